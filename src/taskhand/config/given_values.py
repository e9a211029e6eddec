"""Validates only the settings that are given: pydantic's validator of all settings slows down the start."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, create_model

__all__ = ["check_given"]

_CONFIG: Final = ConfigDict(extra="ignore", validate_by_name=True, validate_by_alias=True)


def check_given(model: type[BaseModel], values: Mapping[str, object]) -> dict[str, Any]:
    """The validated values by field name, of the given fields only; each is given by its alias or its name.

    ValidationError names the invalid ones in the order of the model.
    """
    given = {name: field for name, field in model.model_fields.items() if field.alias in values or name in values}
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in given.items()}
    checked = create_model("Given", __config__=_CONFIG, **fields).model_validate(values)
    return {name: getattr(checked, name) for name in given}
