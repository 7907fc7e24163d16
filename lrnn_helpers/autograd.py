"""The witness: the linear RNN as a PyTorch module, and backpropagation through time on samples.

The only room that loads torch. Nothing here is written from the closed forms of the other rooms, so that it can be held
against them.
"""

from __future__ import annotations

from contextlib import contextmanager

from lrnn_helpers import _validation as valid
from lrnn_helpers.network import Weights

with valid.extra("witness"):
    import torch

__all__ = ["LinearRNN"]


class LinearRNN(torch.nn.Module):
    """The same network as an ordinary PyTorch module in float64, unrolled step by step.

    Parameters
    ----------
    weights : Weights
        The initial weights; they are copied. Leading axes are networks side by side.
    outputs : {"last", "all"}
        Whether the module returns ŷ_T only or ŷ_1 … ŷ_T.

    Raises
    ------
    ValueError
        If the sizes do not fit together.

    Notes
    -----
    In the book: :doc:`/book/setup`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrnn_helpers import autograd, network
    >>> rnn = autograd.LinearRNN(network.unaligned_weights(0.5, N_x=2, N_h=4, N_y=3, seed=0))
    >>> x = np.ones((5, 6, 2))
    >>> bool(np.allclose(rnn(x).detach(), network.forward(rnn, x)))
    True
    """

    def __init__(self, weights, *, outputs="last"):
        super().__init__()
        self.outputs = valid.outputs(outputs)
        Wx, Wh, Wy = valid.weights(weights)
        self.Wx = torch.nn.Parameter(torch.tensor(Wx))
        self.Wh = torch.nn.Parameter(torch.tensor(Wh))
        self.Wy = torch.nn.Parameter(torch.tensor(Wy))

    def forward(self, x):
        """Outputs (..., P, N_y) or (..., P, T, N_y) for inputs x (P, T, N_x)."""
        x = torch.as_tensor(x, dtype=self.Wx.dtype, device=self.Wx.device)
        if x.ndim != 3 or x.shape[1] < 1 or x.shape[2] != self.Wx.shape[-1]:
            raise ValueError(f"x must have shape (P, T, {self.Wx.shape[-1]}), T >= 1, got shape {tuple(x.shape)}")
        h = x[:, 0] @ self.Wx.mT
        states = [h]
        for t in range(1, x.shape[1]):
            h = h @ self.Wh.mT + x[:, t] @ self.Wx.mT
            states.append(h)
        if self.outputs == "last":
            return h @ self.Wy.mT
        return torch.stack([h @ self.Wy.mT for h in states], dim=-2)

    def weights(self):
        """The current parameters as numpy Weights (a copy)."""
        return Weights(*(w.detach().cpu().numpy().copy() for w in (self.Wx, self.Wh, self.Wy)))

    def to_torch(self, nonlinearity="tanh"):
        """The same weights in torch's own modules, which put a nonlinearity on the hidden state.

        Parameters
        ----------
        nonlinearity : {"tanh", "relu"}
            What ``torch.nn.RNN`` offers; it has no linear one, which is this class.

        Returns
        -------
        rnn : torch.nn.RNN
            N_x to N_h, float64, ``batch_first=True``, without biases: h_t = f(W_h h_(t-1) + W_x x_t).
        readout : torch.nn.Linear
            N_h to N_y, without bias.

        Raises
        ------
        ValueError
            If the nonlinearity is another, or the weights are those of several networks.
        """
        valid.one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
        if self.Wh.ndim != 2:
            raise ValueError(f"to_torch needs one network, got leading axes {tuple(self.Wh.shape[:-2])}")
        (N_h, N_x), N_y = self.Wx.shape, self.Wy.shape[0]
        options = {"bias": False, "dtype": self.Wx.dtype}
        rnn = torch.nn.RNN(N_x, N_h, nonlinearity=nonlinearity, batch_first=True, **options)
        readout = torch.nn.Linear(N_h, N_y, **options)
        with torch.no_grad():
            for parameter, w in ((rnn.weight_ih_l0, self.Wx), (rnn.weight_hh_l0, self.Wh), (readout.weight, self.Wy)):
                parameter.copy_(w)
        return rnn, readout

    @classmethod
    def from_torch(cls, rnn, readout, *, outputs="last"):
        """The linear network that has the weights of torch's own modules; their nonlinearity is left out.

        Parameters
        ----------
        rnn : torch.nn.RNN
            One layer, one direction, without biases or with biases that are all 0.
        readout : torch.nn.Linear
            N_h to N_y, likewise.
        outputs : {"last", "all"}
            As for the class.

        Returns
        -------
        LinearRNN
            In float64.

        Raises
        ------
        TypeError
            If they are other modules.
        ValueError
            If there are more layers or directions, a bias that is not 0, or sizes do not fit together.
        """
        for name, module, kind in (("rnn", rnn, torch.nn.RNN), ("readout", readout, torch.nn.Linear)):
            if not isinstance(module, kind):
                raise TypeError(f"{name} must be a torch.nn.{kind.__name__}, got {type(module).__name__}")
        if rnn.num_layers != 1 or rnn.bidirectional:
            raise ValueError(f"rnn must have one layer and one direction, got {rnn}")
        for module in (rnn, readout):
            for name, parameter in module.named_parameters():
                if "bias" in name and parameter.detach().any():
                    raise ValueError(f"a linear RNN has no biases, got a {name} that is not 0")
        matrices = (rnn.weight_ih_l0, rnn.weight_hh_l0, readout.weight)
        return cls(Weights(*(m.detach().double().cpu().numpy() for m in matrices)), outputs=outputs)


def modules_of(W, y):
    """Each network as a module whose outputs are those that y has, and whose parameters are the entries of W."""
    modules = []
    for one in zip(*W, strict=True):
        rnn = LinearRNN(one, outputs="last" if y.ndim == 2 else "all")
        for parameter, w in zip((rnn.Wx, rnn.Wh, rnn.Wy), one, strict=True):
            parameter.data = torch.from_numpy(w)
        modules.append(rnn)
    return modules


def backpropagate(modules, data, grads):
    """Put the gradient of loss (4) on the samples into `grads`, by autograd, one network after the other."""
    x, y = (torch.from_numpy(z) for z in data)
    for n, rnn in enumerate(modules):
        value = 0.5 * ((y - rnn(x)) ** 2).sum()
        # Wh does not act at T = 1: its gradient is then zero, not an error.
        found = torch.autograd.grad(value, (rnn.Wx, rnn.Wh, rnn.Wy), materialize_grads=True)
        for grad, g in zip(grads, found, strict=True):
            grad[n] = g.numpy()
    return grads


@contextmanager
def one_thread():
    """Matrices this small only lose time between torch's threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
