"""Every run and every result of other programs on one page, to look around in; it ranks nothing."""
