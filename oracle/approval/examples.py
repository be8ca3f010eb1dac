"""Two applicants to show the lane with: one whom the shipped models approve, and one whom they deny."""

from collections.abc import Mapping
from typing import Final

from oracle.approval.fields import AGENCY, APPLICANT, BANK, Answer

Forms = Mapping[str, Mapping[str, Answer]]
"""Each party's answers by the names of its fields; a model takes those that it asks for."""

_STEADY: Final[Mapping[str, Answer]] = {
    "own_car": True,
    "own_property": True,
    "mobile_phone": True,
    "num_children": 0,
    "household_size": 2,
    "annual_income": 270_000,
    "age_years": 38,
    "income_type": "Working",
    "education_type": "Higher education",
    "family_status": "Married",
    "occupation_type": "Managers",
    "housing_type": "House / apartment",
}

EXAMPLES: Final[Mapping[str, Forms]] = {
    "approved": {
        APPLICANT: _STEADY,
        BANK: {"account_months": 10},
        AGENCY: {"employed": True, "years_employed": 9},
    },
    "denied": {
        APPLICANT: {
            **_STEADY,
            "own_property": False,
            "annual_income": 130_000,
            "education_type": "Incomplete higher",
            "occupation_type": "IT staff",
        },
        BANK: {"account_months": 55},
        AGENCY: {"employed": True, "years_employed": 2.5},
    },
}
