"""The networks as they are written by hand in PyTorch, under the names of the works' weights (../works/)."""

import torch
import torch.nn.functional as F
from torch import nn


def linear_layers(sizes, between):
    """Linear layers, (in, out) each, with a function between each two."""
    layers = []
    for i, (width, outputs) in enumerate(sizes):
        layers += ([between()] if i > 0 else []) + [nn.Linear(width, outputs)]
    return nn.Sequential(*layers)


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def digits():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1568, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.more = (outputs - inputs) // 2
        stride = 2 if self.more else 1
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.more:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more, self.more))
        return F.relu(y + x)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip(widths, widths[1:])))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        return self.linear(self.blocks(F.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


def double_conv(inputs, outputs):
    layers = []
    for width in (inputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self, widths=(16, 32, 64, 128)):
        super().__init__()
        pairs = list(zip(widths, widths[1:]))
        self.down = nn.Sequential(double_conv(1, widths[0]), *(double_conv(a, b) for a, b in pairs))
        self.up = nn.Sequential(*(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairs))
        self.join = nn.Sequential(*(double_conv(2 * a, a) for a, _ in pairs))
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x):
        found = [self.down[0](x)]
        for layer in self.down[1:]:
            found.append(layer(F.max_pool2d(found[-1], 2)))
        y = found.pop()
        for up, join in zip(reversed(self.up), reversed(self.join)):
            y = join(torch.cat([up(y), found.pop()], 1))
        return self.head(y)


class TextModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(64, 64)
        self.lstm = nn.LSTM(64, 128, batch_first=True)
        self.linear = nn.Linear(128, 64)

    def forward(self, x):
        return self.linear(self.lstm(self.embedding(x))[0])


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(128, 128, num_layers=2, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(256, 10)

    def forward(self, x):
        return self.linear(self.gru(x)[0].mean(1))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def project(self, x):
        b, t, c = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias).view(b, t, 3, self.heads, c // self.heads)
        return qkv.permute(2, 0, 3, 1, 4).unbind(0)

    def join(self, y):
        b, h, t, d = y.shape
        return self.out_proj(y.transpose(1, 2).reshape(b, t, h * d))

    def forward(self, x):
        return self.join(F.scaled_dot_product_attention(*self.project(x), is_causal=True))

    def step(self, x, keys, values, place, seen):
        """One token at `place`; `seen` says how much of the cache counts: an int, or a mask."""
        q, k, v = self.project(x)
        keys.index_copy_(2, place, k)
        values.index_copy_(2, place, v)
        if isinstance(seen, int):
            y = F.scaled_dot_product_attention(q, keys[:, :, :seen], values[:, :, :seen])
        else:
            y = F.scaled_dot_product_attention(q, keys, values, attn_mask=seen)
        return self.join(y)


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def feed(self, x):
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))

    def forward(self, x):
        return self.feed(x + self.self_attn(self.norm1(x)))

    def step(self, x, *rest):
        return self.feed(x + self.self_attn.step(self.norm1(x), *rest))


class Stack(nn.Module):
    def __init__(self, layers, width, heads):
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)


class Gpt(nn.Module):
    def __init__(self, vocab, width, layers, heads, context):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.transformer = Stack(layers, width, heads)

    def forward(self, tokens):
        x = self.embedding(tokens) + self.positions.weight[: tokens.shape[1]]
        for layer in self.transformer.layers:
            x = layer(x)
        return F.linear(self.transformer.norm(x), self.embedding.weight)

    def step(self, token, place, caches, seen):
        """Scores after one token, int64 [1, 1], at `place`, int64 [1]. caches: keys and values of each layer."""
        x = self.embedding(token) + self.positions(place)
        for layer, (keys, values) in zip(self.transformer.layers, caches):
            x = layer.step(x, keys, values, place, seen)
        return F.linear(self.transformer.norm(x), self.embedding.weight)
