"""Results that others published, brought beside our own with their boundary stated; one file for each format."""
