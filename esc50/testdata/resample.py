"""Writes resample.json: torchaudio.transforms.Resample on a fixed input.

usage: resample.py > resample.json   (torch 2.15, torchaudio 2.11)
"""
import json, torch
if torch.version.cuda: torch.version.cuda = None  # CPU only: skip torchaudio's CUDA version match
import torchaudio
x = torch.tensor([((i * 7919) % 1000) / 500 - 1 for i in range(700)], dtype=torch.float32)
cases = []
for a, b in [(44100, 8000), (48000, 8000), (16000, 8000), (8000, 16000), (22050, 8000), (11025, 8000), (96000, 44100), (8000, 8000), (32000, 44100), (7, 3)]:
    y = torchaudio.transforms.Resample(a, b)(x)
    cases.append({"from": a, "to": b, "out": [float(f"{v:.8g}") for v in y[:200].tolist()], "len": len(y)})
print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")
