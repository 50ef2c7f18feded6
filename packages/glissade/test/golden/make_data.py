"""Image transforms, spectrograms, resampling, and table transforms.

Sampling and short-time Fourier transforms are PyTorch's. torchvision and torchaudio are not installed: what they put
around those (the affine map, mel bands, the cosine transform, the filters of the resampler) is written out here from
their documentation and sources, version 0.26 and 2.11. Hue is Python's colorsys; tables are scikit-learn.
"""

import colorsys
import math

import numpy as np
import sklearn
import torch
import torch.nn.functional as F
from common import SEED, listed, write
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

torch.manual_seed(SEED)
cases = []

# ---- images ----

image = torch.rand(3, 7, 9)


def add(kind, options, x, y):
    assert x is image
    cases.append({"kind": kind, "options": options, "y": listed(y)})


for size in [[4, 5], [14, 20], [7, 3], [3, 12], [1, 1], [7, 9]]:
    for antialias in [True, False]:
        y = F.interpolate(image[None], size=size, mode="bilinear", antialias=antialias, align_corners=False)[0]
        add("resize", {"size": size, "antialias": antialias}, image, y)
    y = F.interpolate(image[None], size=size, mode="nearest")[0]
    add("resize", {"size": size, "interpolation": "nearest"}, image, y)


def inverse_map(angle, translate, scale, shear):
    """torchvision.transforms.functional._get_inverse_affine_matrix with the middle of the image as centre."""
    rot, (sx, sy) = math.radians(angle), [math.radians(s) for s in shear]
    a = math.cos(rot - sy) / math.cos(sy)
    b = -math.cos(rot - sy) * math.tan(sx) / math.cos(sy) - math.sin(rot)
    c = math.sin(rot - sy) / math.cos(sy)
    d = -math.sin(rot - sy) * math.tan(sx) / math.cos(sy) + math.cos(rot)
    m = [d / scale, -b / scale, 0, -c / scale, a / scale, 0]
    m[2] += m[0] * -translate[0] + m[1] * -translate[1]
    m[5] += m[3] * -translate[0] + m[4] * -translate[1]
    return m


def affine(x, angle, translate, scale, shear, mode, fill):
    h, w = x.shape[-2:]
    theta = torch.tensor(inverse_map(angle, translate, scale, shear)).reshape(1, 2, 3)
    base = torch.empty(1, h, w, 3)
    base[..., 0] = torch.linspace(-w * 0.5 + 0.5, w * 0.5 + 0.5 - 1, w)
    base[..., 1] = torch.linspace(-h * 0.5 + 0.5, h * 0.5 + 0.5 - 1, h)[:, None]
    base[..., 2] = 1
    grid = (base.view(1, h * w, 3) @ (theta.transpose(1, 2) / torch.tensor([0.5 * w, 0.5 * h]))).view(1, h, w, 2)
    both = torch.cat([x, torch.ones(1, h, w)])[None]
    out = F.grid_sample(both, grid, mode=mode, padding_mode="zeros", align_corners=False)[0]
    mask = out[-1:]
    return out[:-1] * mask.round() + fill * (1 - mask.round()) if mode == "nearest" else out[:-1] + (1 - mask) * fill


for mode in ["nearest", "bilinear"]:
    for angle, translate, scale, shear, fill in [
        (17, [0, 0], 1, [0, 0], 0),
        (-40, [1, -2], 0.8, [0, 0], 0.5),
        (10, [0.5, 0.25], 1.3, [12, -5], 0),
    ]:
        y = affine(image, angle, translate, scale, shear, mode, fill)
        options = {"angle": angle, "translate": translate, "scale": scale, "shear": shear}
        add("affine", {**options, "interpolation": mode, "fill": fill}, image, y)
    # Not 30: places half way between two pixels would depend on rounding.
    add("rotate", {"degrees": 33, "interpolation": mode}, image, affine(image, -33, [0, 0], 1, [0, 0], mode, 0))


def grey(x):
    return 0.2989 * x[0] + 0.587 * x[1] + 0.114 * x[2]


add("grayscale", {"channels": 1}, image, grey(image)[None])
for factor in [0, 0.4, 1.7]:
    add("adjustBrightness", {"factor": factor}, image, (factor * image).clamp(0, 1))
    add("adjustContrast", {"factor": factor}, image, (factor * image + (1 - factor) * grey(image).mean()).clamp(0, 1))
    add("adjustSaturation", {"factor": factor}, image, (factor * image + (1 - factor) * grey(image)).clamp(0, 1))
for shift in [-0.5, -0.13, 0.27, 0.5]:
    y = torch.empty_like(image)
    for i in range(7):
        for j in range(9):
            h, s, v = colorsys.rgb_to_hsv(*image[:, i, j].tolist())
            y[:, i, j] = torch.tensor(colorsys.hsv_to_rgb((h + shift) % 1, s, v))
    add("adjustHue", {"shift": shift}, image, y)

# ---- sound ----

time = torch.arange(420) / 8000
sound = torch.stack([torch.sin(2 * math.pi * 440 * time) * 0.5, torch.randn(420) * 0.1])
sounds = listed(sound)


def stft(x, n_fft=400, win=None, hop=None, center=True, power=2.0, window=torch.hann_window):
    win = win or n_fft
    hop = hop or win // 2
    y = torch.stft(x, n_fft, hop, win, window(win), center=center, pad_mode="reflect", return_complex=True)
    return y.abs() ** power


def to_mel(f, scale):
    if scale == "htk":
        return 2595.0 * math.log10(1.0 + f / 700.0)
    return f / (200.0 / 3) if f < 1000.0 else 15.0 + math.log(f / 1000.0) / (math.log(6.4) / 27.0)


def to_hertz(m, scale):
    if scale == "htk":
        return 700.0 * (10.0 ** (m / 2595.0) - 1.0)
    return (200.0 / 3) * m if m < 15.0 else 1000.0 * math.exp((math.log(6.4) / 27.0) * (m - 15.0))


def bands(n_freqs, n_mels, rate, f_min, f_max, scale, norm):
    """torchaudio.functional.melscale_fbanks."""
    freqs = torch.linspace(0, rate // 2, n_freqs)
    pts = torch.linspace(to_mel(f_min, scale), to_mel(f_max, scale), n_mels + 2)
    pts = torch.tensor([to_hertz(float(m), scale) for m in pts])
    diff = pts[1:] - pts[:-1]
    slopes = pts[None, :] - freqs[:, None]
    fb = torch.clamp(torch.minimum(-slopes[:, :-2] / diff[:-1], slopes[:, 2:] / diff[1:]), min=0)
    if norm == "slaney":
        fb = fb * (2.0 / (pts[2:] - pts[:n_mels]))[None]
    return fb


def add_sound(kind, options, y):
    cases.append({"kind": kind, "options": options, "y": listed(y)})


add_sound("spectrogram", {"nFft": 64, "hopLength": 16}, stft(sound, 64, hop=16))
add_sound("spectrogram", {"nFft": 100, "hopLength": 30, "winLength": 80}, stft(sound, 100, win=80, hop=30))
add_sound("spectrogram", {"nFft": 75, "hopLength": 60, "power": 1}, stft(sound, 75, hop=60, power=1.0))
add_sound("spectrogram", {"nFft": 128, "center": False}, stft(sound, 128, center=False))
add_sound(
    "spectrogram", {"nFft": 32, "hopLength": 64, "window": "hamming"}, stft(sound, 32, hop=64, window=torch.hamming_window)
)

for scale, norm, f_min, f_max in [("htk", None, 0, 4000), ("slaney", "slaney", 50, 3500), ("slaney", None, 0, 4000)]:
    fb = bands(129, 20, 8000, f_min, f_max, scale, norm)
    mel = torch.matmul(stft(sound, 256, hop=100).transpose(-1, -2), fb).transpose(-1, -2)
    options = {"nFft": 256, "hopLength": 100, "nMels": 20, "sampleRate": 8000, "fMin": f_min, "fMax": f_max, "melScale": scale}
    if norm:
        options["norm"] = norm
    add_sound("melSpectrogram", options, mel)
    add_sound("logMelSpectrogram", options, torch.log(mel + 1e-6))
    db = 10 * torch.log10(mel.clamp(min=1e-10))
    db = torch.maximum(db, db.amax() - 80)
    n = torch.arange(20.0)
    dct = torch.cos(math.pi / 20 * (n[:, None] + 0.5) * torch.arange(12.0)[None]) * math.sqrt(2 / 20)
    dct[:, 0] *= 1 / math.sqrt(2)
    add_sound("mfcc", {**options, "nMfcc": 12}, torch.matmul(db.transpose(-1, -2), dct).transpose(-1, -2))


def resample(x, orig, new, width_zeros=6, rolloff=0.99):
    """torchaudio.functional.resample with sinc_interp_hann."""
    g = math.gcd(orig, new)
    orig, new = orig // g, new // g
    base = min(orig, new) * rolloff
    width = math.ceil(width_zeros * orig / base)
    idx = torch.arange(-width, width + orig)[None, None] / orig
    t = torch.arange(0, -new, -1)[:, None, None] / new + idx
    t = (t * base).clamp(-width_zeros, width_zeros)
    window = torch.cos(t * math.pi / width_zeros / 2) ** 2
    t = t * math.pi
    kernels = torch.where(t == 0, torch.tensor(1.0), t.sin() / t) * window * (base / orig)
    padded = F.pad(x, (width, width + orig))
    y = F.conv1d(padded[:, None], kernels, stride=orig).transpose(1, 2).reshape(x.shape[0], -1)
    return y[..., : math.ceil(new * x.shape[1] / orig)]


for orig, new, zeros in [(8000, 4000, 6), (8000, 11025, 6), (3, 2, 4), (2, 5, 6)]:
    options = {"from": orig, "to": new, "lowpassFilterWidth": zeros}
    add_sound("resample", options, resample(sound[:, :200], orig, new, zeros))

# ---- tables ----

numbers = np.array([[1.0, 10, 5], [2, 20, 5], [4, np.nan, 5], [np.nan, 15, 5], [2, 40, 5]])
fresh = np.array([[3.0, 100, 7], [np.nan, 0, 5]])
words = np.array([["b", "x"], ["a", "x"], ["c", "y"], ["b", "y"], ["b", "x"]], dtype=object)
tables = {}


def plain(a):
    return [[None if isinstance(v, float) and np.isnan(v) else v for v in row] for row in np.asarray(a).tolist()]


def fit(name, transform, train, test):
    out = transform.fit(train)
    tables[name] = {"train": plain(out.transform(train)), "test": plain(out.transform(test))}


fit("standardScaler", StandardScaler(), numbers, fresh)
fit("minMaxScaler", MinMaxScaler((-1, 1)), numbers, fresh)
for theirs, ours in [("mean", "mean"), ("median", "median"), ("most_frequent", "mostFrequent"), ("constant", "constant")]:
    fit(f"imputer/{ours}", SimpleImputer(strategy=theirs, fill_value=-1 if theirs == "constant" else None), numbers, fresh)
fit("oneHotEncoder", OneHotEncoder(sparse_output=False), words, words[:2])
fit("oneHotEncoder/first", OneHotEncoder(sparse_output=False, drop="first"), words, words[:2])
fit("oneHotEncoder/ifBinary", OneHotEncoder(sparse_output=False, drop="if_binary"), words, words[:2])
fit("ordinalEncoder", OrdinalEncoder(), words, words[:2])

write(
    "data",
    cases,
    scikit=sklearn.__version__,
    image=listed(image),
    sound=sounds,
    tables={"numbers": plain(numbers), "fresh": plain(fresh), "words": words.tolist(), "results": tables},
)
