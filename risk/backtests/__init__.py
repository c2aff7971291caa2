"""Walking models forward over histories and judging them by what prices then did."""
