"""What stations say and are asked, in OCPP 1.6, 2.0.1 and 2.1: the messages, one handler each."""
