"""Training steps of the models of GoMLX's CIFAR-10 and UCI Adult examples in PyTorch.

usage: torch_examples.py [THREADS [NAME...]]     (needs torch; prints "NAME mean MS min MS" a line)

Each step is forward, loss, backward and Adam(1e-3) on fixed random data, float32:
cifar-example  32x32x3, three blocks of two 3x3 convolutions (32, 64, 128), ReLU before BatchNorm, max-pool 2,
               dropout .3, .5 and .5, dense 128 likewise, dense 10; batch 64
adult-example  eight categories embedded in 8 numbers each, five numbers calibrated piecewise linearly with keypoints that
               are trained, dense 4, sigmoid, LayerNorm, dense 1; binary cross-entropy; batch 128
"""
import sys, time
import torch
import torch.nn as nn

torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
only = set(sys.argv[2:])
torch.manual_seed(0)


def bench(name, net, loss, x, y):
    if only and name not in only:
        return
    opt = torch.optim.Adam(net.parameters(), 1e-3)

    def step():
        opt.zero_grad()
        loss(net(*x), y).backward()
        opt.step()
    for _ in range(3):
        step()
    times, begin = [], time.perf_counter()
    while len(times) < 10 or time.perf_counter() - begin < 3:
        t = time.perf_counter()
        step()
        times.append(time.perf_counter() - t)
    print(f"{name} mean {1e3 * sum(times) / len(times):.2f} min {1e3 * min(times):.2f}", flush=True)


def cifar():
    layers, i = [], 3
    for o, rate in ((32, .3), (64, .5), (128, .5)):
        for _ in range(2):
            layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(o)]
            i = o
        layers += [nn.MaxPool2d(2), nn.Dropout(rate)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 4 * 128, 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Dropout(.5), nn.Linear(128, 10))


class Calibration(nn.Module):
    """A piecewise linear function of one number, by the weights of its keypoints."""

    def __init__(self, keypoints):
        super().__init__()
        self.register_buffer("at", torch.linspace(0, 1, keypoints))
        self.out = nn.Parameter(torch.linspace(0, 1, keypoints))

    def forward(self, x):
        start, end = self.at[:-1], self.at[1:]
        inside = ((x >= start) & (x < end)).float()
        left = ((x - start) / (end - start)).clamp(0, 1)
        lower = torch.cat([(self.at[:1] >= x).float(), inside * left], 1)
        upper = torch.cat([inside * (1 - left), (x >= self.at[-1:]).float()], 1)
        return ((lower + upper) * self.out).sum(1, keepdim=True)


VOCABULARIES, KEYPOINTS = (9, 16, 7, 15, 6, 5, 2, 42), (72, 16, 100, 80, 60)


class Adult(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.ModuleList(nn.Embedding(n, 8) for n in VOCABULARIES)
        self.c = nn.ModuleList(Calibration(n) for n in KEYPOINTS)
        width = 8 * len(VOCABULARIES) + len(KEYPOINTS)
        self.f = nn.Sequential(nn.Linear(width, 4), nn.Sigmoid(), nn.LayerNorm(4), nn.Linear(4, 1))

    def forward(self, categories, numbers):
        columns = [e(categories[:, i]) for i, e in enumerate(self.e)]
        columns += [c(numbers[:, i:i + 1]) for i, c in enumerate(self.c)]
        return self.f(torch.cat(columns, 1))


bench("cifar-example", cifar(), nn.CrossEntropyLoss(), [torch.randn(64, 3, 32, 32)], torch.randint(0, 10, (64,)))
bench("adult-example", Adult(), nn.BCEWithLogitsLoss(),
      [torch.stack([torch.randint(0, n, (128,)) for n in VOCABULARIES], 1), torch.rand(128, len(KEYPOINTS))], torch.randint(0, 2, (128, 1)).float())
