"""What a further run of a model means for a mask that a reader changed: it stays, and says that the model ran."""

from __future__ import annotations

from dataclasses import replace

from medassist.entities.prediction import Prediction
from medassist.entities.study import Warned, warned

RAN_AGAIN = "The model ran again, {when}: the mask edited by hand was kept."


def edited_of(predictions: tuple[Prediction, ...], series_key: str) -> tuple[Prediction, ...]:
    """Return the results of a series whose masks readers changed."""
    return tuple(one for one in predictions if one.edit is not None and one.series_key == series_key)


def with_run(predictions: tuple[Prediction, ...], new: Prediction) -> tuple[Prediction, ...]:
    """Return results in which those a reader changed have the maps of a further run of the same weights, and a note."""
    told = warned(RAN_AGAIN, when=new.started[:16].replace("T", " "))

    def noted(one: Prediction) -> Prediction:
        if one.edit is None or (one.series_key, one.model) != (new.series_key, new.model):
            return one
        notes = tuple(note for note in one.notes if not isinstance(note, Warned) or note.message != RAN_AGAIN)
        return replace(
            one,
            notes=(*notes, told),
            uncertainty=new.uncertainty or one.uncertainty,
            spread=new.spread or one.spread,
        )

    return tuple(noted(one) for one in predictions)
