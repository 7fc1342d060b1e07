import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.evaluation import cost


def test_parameters_are_floats_only():
    tree = {
        "weights": jnp.ones((3, 4)),
        "bias": np.zeros(4, np.float32),
        "half": jax.ShapeDtypeStruct((5,), jnp.bfloat16),
        "step": jnp.zeros((), jnp.int32),
        "key": jax.random.key(0),
    }
    assert cost.count_parameters(tree) == 12 + 4 + 5
    assert cost.count_parameters({}) == 0


def test_latency_is_the_median_without_the_first_call(monkeypatch):
    calls = []
    ticks = iter([0.0, 1.0, 10.0, 12.0, 20.0, 29.0])  # durations 1, 2 and 9
    monkeypatch.setattr(cost.time, "perf_counter", lambda: next(ticks))
    assert cost.latency(lambda x: calls.append(x), 5, repeats=3) == 2
    assert calls == [5] * 4


def test_latency_of_a_compiled_function():
    assert 0 < cost.latency(jax.jit(jnp.sin), jnp.ones(10), repeats=3) < 1
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        cost.latency(abs, 1, repeats=0)


def test_latency_is_repeated_and_has_a_spread(monkeypatch):
    rounds = iter([3.0, 1.0, 2.0, 9.0, 4.0])
    monkeypatch.setattr(cost, "latency", lambda fn, x, *, repeats: next(rounds))
    assert cost.latency_spread(abs, 1, rounds=5, repeats=7) == (3, 2, 4)
    with pytest.raises(ValueError, match="rounds must be at least 2, got 1"):
        cost.latency_spread(abs, 1, rounds=1, repeats=1)


def test_host_peak_covers_what_was_held():
    np.ones(3 << 20)  # 24 MiB, touched
    peak = cost.peak_memory()
    assert set(peak) == {"host_peak_bytes", "device_peak_bytes"}
    assert 24 << 20 < peak["host_peak_bytes"] < 1 << 40


def test_device_peak_is_the_fullest_devices(monkeypatch):
    devices = [types.SimpleNamespace(memory_stats=lambda n=n: n) for n in (None, {"peak_bytes_in_use": 5}, {})]
    monkeypatch.setattr(jax, "local_devices", lambda: devices)
    assert cost.peak_memory()["device_peak_bytes"] == 5
    monkeypatch.setattr(jax, "local_devices", lambda: devices[:1])
    assert cost.peak_memory()["device_peak_bytes"] is None


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_units_of_the_systems(monkeypatch, platform, unit):
    usage = types.SimpleNamespace(ru_maxrss=1000)
    resource = types.SimpleNamespace(getrusage=lambda who: usage, RUSAGE_SELF=0)
    monkeypatch.setitem(sys.modules, "resource", resource)
    monkeypatch.setattr(cost.sys, "platform", platform)
    assert cost._host_peak_bytes() == 1000 * unit
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    assert cost._host_peak_bytes() is None
