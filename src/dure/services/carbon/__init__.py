"""Carbon: measured events become claims on one provable ledger, for citizens, companies, the city and anyone who checks.

Evidence of the city's services and of citizens' practices -> claim -> double entry in grams and won -> transparency log.
"""
