"""The rule machine beside a plain model of the platform."""
