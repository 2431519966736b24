"""What a section of the configuration is made of: strict, frozen models, and ceilings that no configuration lifts."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


def limit(default: float, description: str, ceiling: float | None = None, **bounds: float) -> Any:
    """A field with its lower bound. The ceiling is the most that any configuration may ask for, judged by
    `StrictParams` with its own message; raising one is a change of the program, not of its settings."""
    if ceiling is None:
        return Field(default, description=description, **bounds)  # type: ignore[call-overload]
    return Field(  # type: ignore[call-overload]
        default,
        description=f"{description} Ceiling {ceiling:,g}, fixed in the code.",
        json_schema_extra={"ceiling": ceiling},
        **bounds,
    )


class StrictParams(BaseModel):
    """Frozen and strict: an unknown key is an error, and so is a value above its field's ceiling."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _under_the_ceiling(cls, value: Any, info: ValidationInfo) -> Any:
        name = info.field_name or ""
        ceiling = ceiling_of(cls, name)
        if ceiling is not None and value > ceiling:
            raise ValueError(f"{name}: {value} is above the ceiling of {ceiling:g}, which is fixed in the code")
        return value


def ceiling_of(model: type[BaseModel], name: str) -> float | None:
    """The ceiling of a field, None where there is none."""
    extra = model.model_fields[name].json_schema_extra
    ceiling = extra.get("ceiling") if isinstance(extra, dict) else None
    return ceiling if isinstance(ceiling, int | float) else None
