"""The encrypted card approval: three parties decide on an applicant without showing each other what they know."""
