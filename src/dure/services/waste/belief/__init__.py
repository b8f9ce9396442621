"""How full every bin is and how sure that is: learnt from history, followed observation by observation, told as a forecast."""
