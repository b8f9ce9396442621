"""Wire formats to words and back. Pure codecs."""
