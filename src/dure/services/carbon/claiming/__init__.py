"""From events to claims: methods as dated data, formulas anyone can run again, tiers, deductions, the verification queue."""
