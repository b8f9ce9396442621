"""Statements of companies and the city: GRI, K-ESG, ISSB tables, inline XBRL, workbooks, PDF; printed again byte-equal."""
