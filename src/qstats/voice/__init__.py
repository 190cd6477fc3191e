"""The voice of the customer: NPS, satisfaction, effort, drivers and service times."""
