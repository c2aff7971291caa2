"""Pure calculations of the rights engine: values in, values out."""
