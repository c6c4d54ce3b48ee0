"""The pages of the documentation, and in site/ what builds them into one that opens offline."""
