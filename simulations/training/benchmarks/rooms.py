"""A small renderer of furnished rooms: colours, depth, normals and classes by casting rays.

Boxes stand in a box. Each ray's first hit gives depth, normal and class; a second ray to each
light says whether the point lies in shadow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks.derived import source_of
from simulations.training.formats.nyu_folders import Scenes

__all__ = ["ROOM_CLASSES", "SOURCE", "render_rooms"]

SOURCE = source_of(__file__)
"""For the key of what is kept of its results."""

ROOM_CLASSES = (
    "unlabelled", "bed", "books", "ceiling", "chair", "floor", "furniture", "objects", "picture",
    "sofa", "table", "tv", "wall", "window",
)  # fmt: skip

Array = NDArray[np.float64]
_VIEWS = 4  # of each room
_FOCAL = 518.86 / 640  # NYUv2's camera: focal length as a share of the image's width
_NEAR = 1e-4


@dataclass(frozen=True, slots=True)
class _Box:
    """An axis-aligned box: class, corner, opposite corner, colour, how patterned, own light."""

    kind: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    colour: tuple[float, float, float]
    pattern: float = 0.0
    glow: float = 0.0


def render_rooms(count: int, size: tuple[int, int], rng: np.random.Generator) -> Scenes:
    """Render views of furnished rooms, four of each room from different places and with different
    lights.

    Parameters
    ----------
    count : int
        Views, >= 1.
    size : tuple of int
        Height and width.
    rng : numpy.random.Generator

    Returns
    -------
    Scenes
        As NYUv2's preprocessed files: 0 is unlabelled (a rim of one pixel between classes, as
        between hand-drawn regions); normals in the camera's axes (right, down, forward), facing
        the camera.
    """
    height, width = size
    scenes = Scenes(
        np.empty((count, 3, height, width), np.uint8), np.empty((count, height, width), np.int8),
        np.empty((count, 1, height, width), np.float32),
        np.empty((count, 3, height, width), np.float32),
    )  # fmt: skip
    room, boxes = np.zeros(3), list[_Box]()
    for view in range(count):
        if view % _VIEWS == 0:
            room, boxes = _furnish(rng)
        image, label, depth, normal = _render(room, boxes, height, width, rng)
        scenes.image[view], scenes.label[view] = image, label
        scenes.depth[view, 0], scenes.normal[view] = depth, normal
    return scenes


def _colour(rng: np.random.Generator, low: float = 0.15, high: float = 0.9) -> tuple[float, ...]:
    return tuple(float(c) for c in rng.uniform(low, high, 3))


def _furnish(rng: np.random.Generator) -> tuple[Array, list[_Box]]:
    """Return a room's sides in metres (x right, y forward, z up) and the boxes in it."""
    room = np.array([rng.uniform(3, 6), rng.uniform(3, 6), rng.uniform(2.3, 3.2)])
    boxes: list[_Box] = []
    wide, long, _ = room

    def put(kind: str, x: float, y: float, z: float, sides: tuple[float, float, float],
            colour: tuple[float, ...], pattern: float = 0.0,
            glow: float = 0.0) -> None:  # fmt: skip
        low = (float(x), float(y), float(z))
        high = (float(x + sides[0]), float(y + sides[1]), float(z + sides[2]))
        boxes.append(_Box(kind, low, high, (colour[0], colour[1], colour[2]), pattern, glow))

    def table(x: float, y: float) -> None:
        a, b, h = rng.uniform(0.7, 1.4), rng.uniform(0.5, 0.9), rng.uniform(0.45, 0.8)
        wood = _colour(rng)
        put("table", x, y, h, (a, b, 0.05), wood, 0.3)
        for i, j in ((0.0, 0.0), (a - 0.06, 0.0), (0.0, b - 0.06), (a - 0.06, b - 0.06)):
            put("table", x + i, y + j, 0, (0.06, 0.06, h), wood)
        for _ in range(rng.integers(1, 4)):
            s = rng.uniform(0.06, 0.2, 3)
            kind = "books" if rng.random() < 0.4 else "objects"
            put(kind, x + rng.uniform(0, a - 0.2), y + rng.uniform(0, b - 0.2), h + 0.05,
                (s[0], s[1], s[2]), _colour(rng), 0.3)  # fmt: skip

    def chair(x: float, y: float) -> None:
        cloth = _colour(rng)
        put("chair", x, y, 0.42, (0.45, 0.45, 0.06), cloth)
        put("chair", x, y + 0.4 * rng.integers(0, 2), 0.48, (0.45, 0.05, 0.5), cloth, 0.2)
        for i, j in ((0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (0.4, 0.4)):
            put("chair", x + i, y + j, 0, (0.05, 0.05, 0.42), cloth)

    def sofa(x: float, y: float) -> None:
        a, cloth = rng.uniform(1.4, 2.0), _colour(rng)
        put("sofa", x, y, 0, (a, 0.8, 0.42), cloth, 0.25)
        put("sofa", x, y + 0.65, 0.42, (a, 0.2, 0.45), cloth, 0.25)
        for i in (0.0, a - 0.18):
            put("sofa", x + i, y, 0.42, (0.18, 0.8, 0.2), cloth)

    def bed(x: float, y: float) -> None:
        a, cloth = rng.uniform(1.0, 1.7), _colour(rng, 0.4, 0.95)
        put("bed", x, y, 0, (a, 2.0, 0.45), cloth, 0.35)
        put("bed", x, y + 1.95, 0.45, (a, 0.06, 0.5), _colour(rng))
        put("bed", x + 0.1, y + 1.5, 0.45, (a - 0.2, 0.4, 0.12), (0.9, 0.9, 0.88))

    def shelf(x: float, y: float) -> None:
        a, h, wood = rng.uniform(0.7, 1.2), rng.uniform(0.9, 2.0), _colour(rng)
        put("furniture", x, y + 0.05, 0, (a, 0.3, h), wood, 0.3)
        for level in np.arange(0.25, h - 0.2, 0.4):  # books stand out of the front
            put("books", x + 0.05, y, level, (a - 0.1, 0.12, 0.22), _colour(rng), 0.9)

    def screen(x: float, y: float) -> None:
        put("furniture", x, y, 0, (1.2, 0.4, 0.5), _colour(rng), 0.3)
        put("tv", x + 0.1, y + 0.15, 0.55, (1.0, 0.06, 0.6), (0.05, 0.05, 0.07), 0.1, 0.1)

    makers = (table, chair, sofa, bed, shelf, screen)
    for make in rng.permutation(len(makers))[: rng.integers(3, 6)]:
        makers[make](rng.uniform(0.1, wide - 1.3), rng.uniform(0.4 * long, long - 1.0))
    for _ in range(rng.integers(1, 3)):
        a, h, x = rng.uniform(0.4, 1.0), rng.uniform(0.3, 0.8), rng.uniform(0.1, wide - 1.1)
        put("picture", x, long - 0.04, rng.uniform(1.2, 1.6), (a, 0.05, h), _colour(rng), 0.8)
    a, h = rng.uniform(0.8, 1.4), rng.uniform(0.7, 1.1)
    side = (wide - 0.03) * rng.integers(0, 2)
    put("window", side, rng.uniform(0.4 * long, long - 1.5), 1.0, (0.03, a, h), (0.7, 0.8, 0.95),
        0.0, 0.7)  # fmt: skip
    return room, boxes + _shell(room, rng)


def _shell(room: Array, rng: np.random.Generator) -> list[_Box]:
    """Floor, ceiling and four walls, as boxes of 10 cm outside the room."""
    wide, long, tall = (float(side) for side in room)
    paint = rng.uniform(0.5, 0.95, 3)
    wall = (float(paint[0]), float(paint[1]), float(paint[2]))
    wood = _colour(rng, 0.2, 0.7)
    t = 0.1
    return [
        _Box("floor", (-t, -t, -t), (wide + t, long + t, 0.0), (wood[0], wood[1], wood[2]), 0.4),
        _Box("ceiling", (-t, -t, tall), (wide + t, long + t, tall + t), (0.9, 0.9, 0.88)),
        _Box("wall", (-t, -t, 0.0), (0.0, long + t, tall), wall, 0.1),
        _Box("wall", (wide, -t, 0.0), (wide + t, long + t, tall), wall, 0.1),
        _Box("wall", (0.0, -t, 0.0), (wide, 0.0, tall), wall, 0.1),
        _Box("wall", (0.0, long, 0.0), (wide, long + t, tall), wall, 0.1),
    ]


def _hits(
    origin: Array, direction: Array, low: Array, high: Array
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Return for each ray the distance, box and axis of its first hit from outside a box.

    Parameters
    ----------
    origin, direction : array, shape (rays, 3)
    low, high : array, shape (boxes, 3)
    """
    safe = np.where(np.abs(direction) < 1e-12, 1e-12, direction)
    nearest = np.full(len(origin), np.inf)
    which = np.zeros(len(origin), dtype=np.int64)
    axis = np.zeros(len(origin), dtype=np.int64)
    for box in range(len(low)):
        one, other = (low[box] - origin) / safe, (high[box] - origin) / safe
        enter, leave = np.minimum(one, other), np.maximum(one, other).min(axis=1)
        last = enter.max(axis=1)
        hit = (last < leave) & (last > _NEAR) & (last < nearest)
        nearest[hit], which[hit], axis[hit] = last[hit], box, enter[hit].argmax(axis=1)
    return nearest, which, axis


def _render(
    room: Array, boxes: list[_Box], height: int, width: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[np.float32], NDArray[np.float32]]:
    low, high = np.array([b.low for b in boxes]), np.array([b.high for b in boxes])
    eye = room * np.array([rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.15), 0.0])
    eye[2] = rng.uniform(1.2, 1.7)
    inside = ((eye > low - 0.1) & (eye < high + 0.1)).all(axis=1)
    if inside.any():  # in a piece of furniture: look from above it
        eye[2] = min(high[inside, 2].max() + 0.2, room[2] - 0.1)
    aim = room * np.array([rng.uniform(0.2, 0.8), 0.95, 0.0])
    aim[2] = rng.uniform(0.4, 1.2)
    forward = (aim - eye) / np.linalg.norm(aim - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward])  # right, down, forward
    u = (np.arange(width) + 0.5 - width / 2) / (_FOCAL * width)
    v = (np.arange(height) + 0.5 - height / 2) / (_FOCAL * width)
    local = np.stack([*np.meshgrid(u, v), np.ones((height, width))], axis=-1).reshape(-1, 3)
    rays = local @ axes  # of length 1 along the camera's axis, so a distance is a depth
    origin = np.broadcast_to(eye, rays.shape)
    depth, which, axis = _hits(origin, rays, low, high)
    point = origin + depth[:, None] * rays
    normal = np.zeros_like(rays)
    normal[np.arange(len(rays)), axis] = -np.sign(rays[np.arange(len(rays)), axis])
    colour = _shade(point, normal, which, axis, boxes, low, high, room, rng)
    kinds = np.array([ROOM_CLASSES.index(box.kind) for box in boxes], dtype=np.int8)
    label = kinds[which].reshape(height, width)
    rim = np.zeros((height, width), dtype=np.bool_)
    rim[:, :-1] |= label[:, :-1] != label[:, 1:]
    rim[:-1] |= label[:-1] != label[1:]
    image = colour + rng.normal(0, 0.015, colour.shape)
    return (
        np.round(np.clip(image, 0, 1) * 255).astype(np.uint8).reshape(height, width, 3)
        .transpose(2, 0, 1),
        np.where(rim, 0, label).astype(np.int8),
        depth.reshape(height, width).astype(np.float32),
        (normal @ axes.T).reshape(height, width, 3).transpose(2, 0, 1).astype(np.float32),
    )  # fmt: skip


def _shade(
    point: Array, normal: Array, which: NDArray[np.int64], axis: NDArray[np.int64],
    boxes: list[_Box], low: Array, high: Array, room: Array, rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return colours: ambient and diffuse light of one or two lamps with shadows, and patterns."""
    base = np.array([box.colour for box in boxes])[which]
    pattern = np.array([box.pattern for box in boxes])[which]
    glow = np.array([box.glow for box in boxes])[which]
    # Stripes along one of the two directions of the face, of a width that goes with the box.
    along = point[np.arange(len(point)), (axis + 1) % 3]
    stripes = np.sign(np.sin((25 + 10 * (which % 4)) * along + which))
    base = base * (1 + 0.35 * pattern * stripes)[:, None]
    light = np.full((len(point), 3), rng.uniform(0.2, 0.4))
    for _ in range(rng.integers(1, 3)):
        lamp = room * np.append(rng.uniform(0.2, 0.8, 2), rng.uniform(0.85, 0.97))
        tint = np.array([1.0, 1.0, 1.0]) + rng.uniform(-0.12, 0.12) * np.array([1.0, 0.1, -1.0])
        way = lamp - point
        distance = np.linalg.norm(way, axis=1)
        facing = np.clip((normal * way).sum(axis=1) / distance, 0, None)
        start = point + 1e-3 * normal
        reach, _, _ = _hits(start, lamp - start, low, high)
        lit = facing * (reach >= 1) * rng.uniform(1.2, 2.2) / (1 + 0.25 * distance**2)
        light += lit[:, None] * tint
    colours: Array = base * light + glow[:, None]
    return colours
