"""The reference experiment in Keras 3: one `model.fit`, whose epochs wait for their turn in a callback.

The backend is fixed for a process, by the environment variable KERAS_BACKEND.
"""

import sys
import time
from typing import Any

import numpy as np

from peers.protocol import Channel, Task, run


class _Turns:
    """Times every epoch but the first, which compiles; before each it waits to be asked."""

    def __init__(self, channel: Channel, *, about: str, num_features: int):
        self._channel, self._about, self._num_features, self._start = channel, about, num_features, 0.0

    def begin(self, epoch: int, logs: Any) -> None:
        if epoch == 1:
            self._channel.send(ready=self._about)
        if epoch >= 1 and not self._channel.wait():
            sys.exit()
        self._start = time.perf_counter()

    def end(self, epoch: int, logs: dict[str, float]) -> None:
        # The loss is a number on the host by now, so the epoch is done.
        seconds = time.perf_counter() - self._start
        if epoch >= 1:
            self._channel.send(seconds=seconds, result=float(logs["loss"]) * self._num_features)


def fit(task: Task, channel: Channel) -> None:
    """Compile with Keras's defaults, and fit until nobody asks for more. Keras averages the loss over features."""
    import keras

    keras.utils.set_random_seed(0)
    images = np.load(task.images).astype(np.float32) / np.float32(255)
    num_features = images.shape[1]
    hidden, outputs = keras.layers.Dense(task.width, activation="relu"), keras.layers.Dense(num_features)
    model = keras.Sequential([keras.Input((num_features,)), hidden, outputs])
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    turns = _Turns(channel, about=f"keras {keras.__version__}", num_features=num_features)
    callback = keras.callbacks.LambdaCallback(on_epoch_begin=turns.begin, on_epoch_end=turns.end)
    model.fit(images, images, batch_size=task.batch_size, epochs=sys.maxsize, verbose=0, callbacks=[callback])


if __name__ == "__main__":
    run(fit)
