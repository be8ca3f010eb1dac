"""Whose attestations verify something of a wallet: schemas and attesters in EAS registries, one table a schema."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from oracle.assessment.layouts import LayoutFault, fields_of
from oracle.config.values import ContractAddress, Section

_UID: Final = re.compile(r"0x[0-9a-f]{64}\Z")


def _uid(value: str) -> str:
    if not _UID.match(value.lower()) or int(value, 16) == 0:
        raise ValueError(f"{value[:70]!r} is not a schema's UID: expected 0x and 64 hex digits")
    return value.lower()


def _layout(value: str) -> str:
    try:
        fields_of(value)
    except LayoutFault as fault:
        raise ValueError(str(fault)) from None
    return value


class AttestationSettings(Section):
    """One schema whose attestations count; the kinds of all schemas count once each."""

    name: str = Field(description="name of this table, unlike the others'")
    registry: ContractAddress = Field(description="the EAS contract")
    schema_uid: Annotated[str, AfterValidator(_uid)] = Field(description="the schema's UID")
    attesters: tuple[ContractAddress, ...] = Field(min_length=1, description="who attests; nobody else counts")
    verifies: Literal["personhood", "developer", "social"] = Field(
        description="what of the wallet: that a person is behind it, a developer's or a social account"
    )
    start_block: int = Field(0, ge=0, description="block before which nothing of it was attested")
    layout: Annotated[str, AfterValidator(_layout)] = Field(
        "", description="the schema as registered, such as uint64 createdAt, bool verified; where a field is named"
    )
    created_field: str = Field("", description="field that holds when the account was created, in Unix seconds")
    minimum_age_days: int = Field(0, ge=0, description="age that the account must have at the assessed block")
    standing_field: str = Field("", description="field that holds a number which says how good the account stands")
    minimum_standing: int = Field(0, ge=0, description="what it must be at least")
    flag_field: str = Field("", description="field that must be true")

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        fields = fields_of(self.layout)
        for key, wanted in (("created_field", "uint"), ("standing_field", "uint"), ("flag_field", "bool")):
            name = getattr(self, key)
            if not name:
                continue
            if name not in fields:
                raise ValueError(f"{key} {name!r} is not in the layout: it has {', '.join(fields) or 'no fields'}")
            if not re.fullmatch(rf"{wanted}[0-9]*", fields[name]):
                raise ValueError(f"{key} {name!r} is of type {fields[name]}, expected {wanted}")
        if self.minimum_age_days and not self.created_field:
            raise ValueError("minimum_age_days needs created_field, which tells the account's age")
        if self.minimum_standing and not self.standing_field:
            raise ValueError("minimum_standing needs standing_field, which tells the account's standing")
        return self
