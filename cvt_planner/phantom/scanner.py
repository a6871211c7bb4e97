"""What the scanner adds: blur, the grain of spongy bone, noise with a CT's spectrum, whole Hounsfield units."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from cvt_planner.base.arrays import Float32Array, FloatArray, HuArray

# In-plane blur: about 1.1 mm full width at half maximum with the pixel's own, a medium kernel (assumed).
BLUR_MM = 0.42
SLICE_BLUR_MM = 0.35
# Noise in soft tissue at 1 mm slices and a 0.8 mm pixel, where the ramp is taken back, and how far neighbouring slices
# share their noise: fitted to liver and muscle of the 1 mm case LIDC-IDRI-0314 (28 to 30 HU; see the test against it).
NOISE_HU = 28.0
AIR_SHARE = 0.34
ROLL_OFF_PER_MM = 0.49
NEIGHBOUR = 0.10
GRAIN_HU = 62.0
LOWEST, HIGHEST = -1024, 3071


def scanned(
    hu: Float32Array,
    spongy: Float32Array,
    body: Float32Array,
    spacing_kji_mm: tuple[float, float, float],
    seed: int,
    noise: float = 1.0,
) -> HuArray:
    """Return the picture of the scanner, (k, j, i) int16, from true mean HU; `spongy` and `body` are shares 0 to 1.

    `noise` is against that of a usual dose: half the dose has 1.4 times the noise.

    Blur is Gaussian and the same everywhere; noise has no streaks and does not know the beam's path. Beam hardening,
    motion and helical artefacts are not modelled.
    """
    dz, dy, dx = spacing_kji_mm
    rng = np.random.default_rng([seed, 75])
    grain = rng.standard_normal(hu.shape, dtype=np.float32)
    grain = ndimage.gaussian_filter(grain, (0.75 / dz, 0.45 / dy, 0.45 / dx))
    coarse = ndimage.gaussian_filter(rng.standard_normal(hu.shape, dtype=np.float32), (2.0 / dz, 1.6 / dy, 1.6 / dx))
    grain = grain / grain.std() + 0.45 * coarse / coarse.std()
    picture = hu + GRAIN_HU * grain * spongy
    picture = ndimage.gaussian_filter(picture, (SLICE_BLUR_MM / dz, BLUR_MM / dy, BLUR_MM / dx), truncate=5.0)
    inside = ndimage.gaussian_filter(body, (0.0, 7.0 / dy, 7.0 / dx))
    level = noise * NOISE_HU * np.sqrt(min(1.0, 1.0 / dz)) * (AIR_SHARE + (1.0 - AIR_SHARE) * inside)
    picture += level * _noise(hu.shape, (dz, dy, dx), rng)
    return np.clip(np.rint(picture), LOWEST, HIGHEST).astype(np.int16)


def noise_shape(per_mm: FloatArray) -> FloatArray:
    """Return the noise power (any unit) at spatial frequencies in the slice, 1/mm: a ramp, apodised."""
    return np.asarray((per_mm + 0.04) * np.exp(-((per_mm / ROLL_OFF_PER_MM) ** 3)))


def _noise(shape: tuple[int, ...], spacing: tuple[float, float, float], rng: np.random.Generator) -> Float32Array:
    """Return noise of spread 1: each slice shaped in frequency, neighbours slightly alike as in a helical scan."""
    fy, fx = np.fft.fftfreq(shape[1], spacing[1]), np.fft.rfftfreq(shape[2], spacing[2])
    shaping = np.sqrt(noise_shape(np.hypot(fy[:, None], fx[None, :]))).astype(np.float32)
    noise = rng.standard_normal(shape, dtype=np.float32)
    for k in range(shape[0]):
        noise[k] = fft.irfft2(fft.rfft2(noise[k]) * shaping, s=shape[1:])
    if spacing[0] < 2.0:
        noise = ndimage.convolve1d(noise, np.array([NEIGHBOUR, 1.0, NEIGHBOUR]), axis=0, mode="wrap")
    return np.asarray(noise / noise.std(), dtype=np.float32)
