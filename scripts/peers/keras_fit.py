"""The reference experiment in Keras 3: one `model.fit`, whose epochs wait for their turn in a callback.

The backend is fixed for a process, by the environment variable KERAS_BACKEND.
"""

import sys
import time
from typing import Any

import keras
import numpy as np

from peers.protocol import Channel, Task, run


class Turns(keras.callbacks.Callback):
    """Times each epoch after the first, which compiles; between them it waits to be asked."""

    def __init__(self, channel: Channel, num_features: int):
        super().__init__()
        self._channel, self._num_features, self._start = channel, num_features, 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Wait for the next turn."""
        if epoch == 1:
            self._channel.send(ready=f"keras {keras.__version__}")
        if epoch >= 1 and not self._channel.wait():
            self.model.stop_training = True
            raise SystemExit
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Answer; the loss has been fetched from the device, so the epoch is done."""
        seconds = time.perf_counter() - self._start
        if epoch >= 1:
            self._channel.send(seconds=seconds, result=float(logs["loss"]) * self._num_features)


def loop(task: Task, channel: Channel) -> None:
    """Compile with Keras's defaults and fit until there is no more to do."""
    keras.utils.set_random_seed(0)
    images = np.load(task.images).astype(np.float32) / np.float32(255)
    num_features = images.shape[1]
    model = keras.Sequential(
        [
            keras.Input((num_features,)),
            keras.layers.Dense(task.width, activation="relu"),
            keras.layers.Dense(num_features),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    turns = Turns(channel, num_features)
    model.fit(
        images, images, batch_size=task.batch_size, epochs=sys.maxsize, shuffle=True, verbose=0, callbacks=[turns]
    )


if __name__ == "__main__":
    run(loop)
