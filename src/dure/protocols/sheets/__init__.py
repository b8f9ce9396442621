"""Table files of unknown make, CSV or workbook: rows of text within limits, and what people write into cells. Pure."""
