"""The witness: torch's own modules and back."""

import numpy as np
import pytest

from lrnn_helpers import autograd, network
from lrnn_helpers.autograd import LinearRNN

torch = pytest.importorskip("torch")
WEIGHTS = network.unaligned_weights(0.8, 2, 4, 3, seed=0)


def test_there_and_back():
    rnn, readout = LinearRNN(WEIGHTS).to_torch("relu")
    assert rnn.nonlinearity == "relu" and all(
        p.dtype == torch.float64 for p in (*rnn.parameters(), *readout.parameters())
    )
    for left, right in zip(LinearRNN.from_torch(rnn, readout).weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(left, right)
    every = LinearRNN.from_torch(rnn, readout, outputs="all")
    assert every(torch.ones(5, 6, 2, dtype=torch.float64)).shape == (5, 6, 3)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_torchs_module_is_the_network_with_a_nonlinearity(nonlinearity):
    f = {"tanh": np.tanh, "relu": lambda h: np.maximum(h, 0)}[nonlinearity]
    x = np.random.default_rng(1).normal(size=(5, 6, 2))
    h = np.zeros((5, 4))
    for t in range(6):
        h = f(h @ WEIGHTS.Wh.T + x[:, t] @ WEIGHTS.Wx.T)
    rnn, readout = LinearRNN(WEIGHTS).to_torch(nonlinearity)
    got = readout(rnn(torch.tensor(x))[0][:, -1]).detach().numpy()
    np.testing.assert_allclose(got, h @ WEIGHTS.Wy.T, rtol=1e-12)


def test_small_activity_is_linear():
    x = 1e-5 * np.random.default_rng(2).normal(size=(3, 4, 2))
    rnn, readout = LinearRNN(WEIGHTS).to_torch("tanh")
    got = readout(rnn(torch.tensor(x))[0][:, -1]).detach().numpy()
    np.testing.assert_allclose(got, network.forward(WEIGHTS, x), rtol=1e-8)


def test_what_has_no_linear_twin_is_refused():
    rnn, readout = LinearRNN(WEIGHTS).to_torch()
    for call, kind, match in (
        (lambda: LinearRNN(WEIGHTS).to_torch("linear"), ValueError, "nonlinearity must be one of"),
        (lambda: LinearRNN(network.unaligned_weights([0.1, 0.2], 2, 3, 2, 0)).to_torch(), ValueError, "one network"),
        (lambda: LinearRNN.from_torch(torch.nn.GRU(2, 4), readout), TypeError, "rnn must be a torch.nn.RNN, got GRU"),
        (lambda: LinearRNN.from_torch(rnn, rnn), TypeError, "readout must be a torch.nn.Linear"),
        (lambda: LinearRNN.from_torch(torch.nn.RNN(2, 4, num_layers=2), readout), ValueError, "one layer"),
        (lambda: LinearRNN.from_torch(torch.nn.RNN(2, 4), readout), ValueError, "a bias_ih_l0 that is not 0"),
        (lambda: LinearRNN.from_torch(torch.nn.RNN(2, 5, bias=False), readout), ValueError, "weights must end in"),
    ):
        with pytest.raises(kind, match=match):
            call()
    assert autograd.LinearRNN is LinearRNN
