"""Simulated engines whose true risk at every threshold is known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class World:
    """Confidence comes in layers, surest first; each has its share of the images and its chance of being wrong."""

    share: np.ndarray
    risk: np.ndarray

    @property
    def layers(self):
        return self.share.size

    @property
    def true_risk(self):
        """Risk of accepting the surest 1, 2, … layers."""
        return np.cumsum(self.share * self.risk) / np.cumsum(self.share)

    @property
    def true_generalized_risk(self):
        return np.cumsum(self.share * self.risk)

    def counts(self, n, rng):
        """A curve's counts from n images, as `thresholds` would give them; the threshold is minus the layer."""
        cells = np.concatenate([self.share * (1 - self.risk), self.share * self.risk, [1 - self.share.sum()]])
        drawn = rng.multinomial(n, np.maximum(cells, 0) / cells.sum())
        right, wrong = drawn[: self.layers], drawn[self.layers : 2 * self.layers]
        frame = pd.DataFrame(
            {
                "threshold": -np.arange(self.layers, dtype=float),
                "images": n,
                "accepted": np.cumsum(right + wrong),
                "wrong": np.cumsum(wrong),
            }
        )
        return frame.iloc[::-1].reset_index(drop=True)

    def outcomes(self, n, rng, setting="engine()"):
        """Images as rows; what the last layer leaves is not answered."""
        layer = rng.choice(self.layers + 1, n, p=np.append(self.share, max(0, 1 - self.share.sum())))
        answered = layer < self.layers
        wrong = rng.random(n) < np.append(self.risk, 1)[layer]
        return pd.DataFrame(
            {
                "setting": setting,
                "sample": np.arange(n),
                "outcome": np.where(answered, np.where(wrong, "wrong", "correct"), "no_answer"),
                "confidence": np.where(answered, 1 - layer / 100, np.nan),
            }
        )


def even(total, layers=34):
    return np.full(layers, total / layers)


STEPS = np.arange(34) / 33
WORLDS = {
    "typical": World(even(0.95), 0.002 * (0.5 / 0.002) ** STEPS),
    "flat": World(even(0.95), np.full(34, 0.0501)),
    "cliff": World(even(0.9), np.where(STEPS < 0.6, 0.01, 0.3)),
    "hard": World(even(0.9), np.full(34, 0.2)),
    "edge": World(even(1.0), np.linspace(0.03, 0.075, 34)),
}
