"""Evidence images, packages, reports."""
