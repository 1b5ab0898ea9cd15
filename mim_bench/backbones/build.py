"""Building a backbone: network, weights, norms, the stages that are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from timm.layers.norm import LayerNorm2d
from torch import Tensor, nn

from mim_bench.backbones import network, windows
from mim_bench.backbones.accounting import LoadReport
from mim_bench.backbones.backbone import Backbone
from mim_bench.backbones.beit import BeitForward
from mim_bench.backbones.beit import fits as is_beit
from mim_bench.backbones.catalogue import catalogue
from mim_bench.backbones.checkpoint import read_state_dict
from mim_bench.backbones.formats import NORMALISATIONS
from mim_bench.backbones.loading import (
    SkipRandom,
    adapt_state,
    load_weights,
    refuse_surplus,
)
from mim_bench.backbones.spec import PRETRAINED, BackboneSpec
from mim_bench.backbones.swin import SwinForward
from mim_bench.errors import Problem, UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["OUT_NORMS", "PAD_ORDERS", "Backbone", "build_backbone"]

OUT_NORMS = ("none", "new", "loaded", "frozen")
PAD_ORDERS = ("timm", "official")
_DEFAULT_EPS = 1e-6


def build_backbone(
    spec: BackboneSpec,
    sizes: Sequence[tuple[int, int]],
    levels: Sequence[int] = (32,),
    *,
    drop_path: float = 0.0,
    window: int | None = None,
    norm_eps: float | None = None,
    out_norm: str = "none",
    pad_order: str = "timm",
) -> Backbone:
    """Build a backbone with its weights.

    Args:
        spec: Which network and weights.
        sizes: Height and width of every input it will see, in pixels. Learned positions lie on
            the first one's grid; attention windows and bias tables fit all of them together.
        levels: Strides of the wanted maps. A network with one stride (a plain ViT) answers a
            single request with its own, and several with a pyramid made from its last map.
            Stages beyond the last level are not kept.
        drop_path: Rate of stochastic depth in the last block, rising linearly from 0.
        window: Attention window in tokens of Swin and SwinV2, clamped to each stage's map; None
            keeps the share of the map that the architecture has at its own input size. Other
            families have no such windows.
        norm_eps: eps of every LayerNorm of networks with attention; None leaves them.
        out_norm: LayerNorm over the channels of each map: "none"; "new"; "frozen", a new one
            that stays at weight 1 and bias 0 (the authors' pose code); "loaded", the network's own
            final norm on the last stage, trained.
        pad_order: Where a Swin's map is no multiple of its window: "official" pads, then shifts
            the windows, as the authors' dense code does; "timm" shifts, then pads.

    Raises:
        UserError: The name, a setting or the weights are wrong, the architecture can't yield
            these levels, or it is built for one size and several are asked.
    """
    problems = [*spec.check()]
    if out_norm not in OUT_NORMS:
        problems.append(unknown("out_norm", out_norm, OUT_NORMS))
    if pad_order not in PAD_ORDERS:
        problems.append(unknown("pad_order", pad_order, PAD_ORDERS))
    if not 0 <= drop_path < 1:
        problems.append(Problem(f"drop_path is {drop_path}", expected="at least 0, below 1"))
    if not sizes or any(len(size) != 2 or min(size) < 1 for size in sizes):
        problems.append(Problem(f"sizes are {sizes!r}", expected="[(height, width), ...]"))
    if window is not None and window < 1:
        problems.append(Problem(f"window is {window}", expected="a number of tokens, or none"))
    if problems:
        raise UserError(problems)
    wanted = _Wanted(spec, sizes, tuple(levels), drop_path, window, norm_eps, out_norm, pad_order)
    if spec.weights is None or spec.weights == PRETRAINED:
        backbone = wanted.assemble(None)
    else:
        weights = read_state_dict(spec.weights)
        with SkipRandom():
            backbone = wanted.assemble(weights)
        if backbone.report is not None and backbone.report.missing:
            backbone = wanted.assemble(weights)  # what is missing needs its random initialisation
    if len(set(levels)) > len(backbone.strides):  # one stride, asked for several
        backbone.add_pyramid(sorted(set(levels)))
    return backbone


@dataclass(frozen=True)
class _Wanted:
    """The arguments of `build_backbone`, checked."""

    spec: BackboneSpec
    sizes: Sequence[tuple[int, int]]
    levels: tuple[int, ...]
    drop_path: float
    window: int | None
    norm_eps: float | None
    out_norm: str
    pad_order: str

    def assemble(self, weights: Mapping[str, Tensor] | None) -> Backbone:
        """Build the backbone; `weights` are a file's tensors."""
        windowed = network.is_windowed(self.spec)
        shaped = self._windowed() if windowed else self._sized()
        net, taps = shaped.net, shaped.taps
        state = None if weights is None else self._adapted(net, weights)
        norms, loaded = self._norms(net, taps)
        network.prune(net, [index for index, _, _ in taps])
        network.spread_drop_path(net, self.drop_path)
        if self.norm_eps is not None:
            network.set_norm_eps(net, self.norm_eps)
        own: SwinForward | BeitForward | None = None
        if windowed:
            own = SwinForward(net, self.sizes, self.pad_order)
        elif shaped.beit:
            own = BeitForward(net, self.sizes)
        backbone = Backbone(
            net,
            self.spec.name,
            taps,
            norms,
            shaped.multiple,
            shaped.input_size,
            shaped.notes,
            own=own,
        )
        if state is not None:
            backbone.report = load_weights(
                net,
                state,
                weights,
                extra=loaded,
                where=str(self.spec.weights),
                encoder=self.spec.options.get("encoder", ""),
                allow_missing=bool(self.spec.options.get("allow_missing")),
            )
        elif self.spec.weights == PRETRAINED:
            backbone.report = LoadReport(used=tuple(net.state_dict()))
        self._normalise(backbone)
        return backbone

    def _adapted(self, net: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        where, options = str(self.spec.weights), self.spec.options
        encoder, rule = options.get("encoder", ""), options.get("resample", "timm")
        state = adapt_state(net, weights, where, encoder=encoder, resample=rule)
        refuse_surplus(net, state, where)
        return state

    def _normalise(self, backbone: Backbone) -> None:
        """Set mean and deviation: the option's, the catalogue's, the format's, else timm's."""
        found = backbone.report.format if backbone.report else None
        name = self.spec.options.get("normalisation") or (found.normalisation if found else "")
        entry = catalogue().get(self.spec.name)
        if entry and entry.mean and entry.std and not self.spec.options.get("normalisation"):
            backbone.mean, backbone.std = entry.mean, entry.std
        elif name:
            backbone.mean, backbone.std = NORMALISATIONS[name]
        elif found is not None and not found.name.startswith("timm"):
            backbone.notes += (
                f"normalised by {backbone.mean} and {backbone.std}, timm's for "
                f"{self.spec.name!r}: the file does not say (option normalisation)",
            )

    def _windowed(self) -> _Shaped:
        """Make a Swin or SwinV2: built at its own size, whose windows are those of pretraining."""
        net, _ = network.create(self.spec, {"drop_path_rate": self.drop_path})
        taps = self._taps(net)
        if self.spec.weights is not None:
            windows.keep_pretraining_windows(net)
        patch = max(net.patch_embed.patch_size)  # type: ignore[union-attr, arg-type]
        windows.set_windows(net, network.rounded(self._largest(), patch), self.window)
        return _Shaped(net, taps, 1, None)

    def _sized(self) -> _Shaped:
        """Make any other network, once without values to see what it asks of its input."""
        optional = {"drop_path_rate": self.drop_path, "dynamic_img_size": True}
        probe, refused = network.create(self.spec, optional, device="meta")
        taps = self._taps(probe)
        multiple = network.padding_multiple(probe, taps[-1][1])
        sized = bool(probe.pretrained_cfg.get("fixed_input_size"))  # type: ignore[union-attr, operator]
        if sized:  # it counts positions, which are whole only at whole strides
            multiple = taps[-1][1]
        beit = is_beit(probe)  # its tables fit all sizes together
        fixed = sized and "dynamic_img_size" in refused and not beit
        first = self._largest() if beit else self.sizes[0]
        size = self._one_size(multiple) if fixed else network.rounded(first, multiple)
        optional = {key: value for key, value in optional.items() if key not in refused}
        net, refused_size = network.create(self.spec, {**optional, "img_size": size})
        native = tuple(net.pretrained_cfg["input_size"][1:])  # type: ignore[index]
        if fixed and "img_size" in refused_size and native != size:
            raise UserError(
                f"{self.spec.name!r} only takes inputs of {native[0]}x{native[1]}",
                expected=f"a backbone that takes {size[0]}x{size[1]}",
            )
        notes = []
        if self.drop_path and "drop_path_rate" in refused:
            notes.append(f"drop_path {self.drop_path} is not used: {self.spec.name} has none")
        if self.window is not None:
            notes.append(f"window {self.window} is not used: {self.spec.name} has none to set")
        return _Shaped(net, taps, multiple, size if fixed else None, beit, tuple(notes))

    def _taps(self, net: nn.Module) -> list[network.Tap]:
        found = network.features(net, self.spec.name)
        return [
            (index, *found[index])
            for index in network.choose_levels(found, self.levels, self.spec.name)
        ]

    def _largest(self) -> tuple[int, int]:
        """Return a size that covers all."""
        return (max(size[0] for size in self.sizes), max(size[1] for size in self.sizes))

    def _one_size(self, multiple: int) -> tuple[int, int]:
        padded = {network.rounded(size, multiple) for size in self.sizes}
        if len(padded) > 1:
            listed = ", ".join(f"{height}x{width}" for height, width in self.sizes)
            raise UserError(
                f"{self.spec.name!r} is built for one input size and is asked for {listed}",
                expected="one size",
                action="choose a ViT, a ConvNeXt or a ResNet where a task has several",
            )
        return padded.pop()

    def _norms(
        self, net: nn.Module, taps: list[network.Tap]
    ) -> tuple[list[nn.Module], dict[str, Tensor]]:
        """Make a norm for each level; also return what a file must fill of them, by its name."""
        if self.out_norm == "none":
            return [nn.Identity() for _ in taps], {}
        final = network.final_norm(net, taps[-1][2])
        eps = self.norm_eps or (final[1].eps if final else _DEFAULT_EPS)
        norms: list[nn.Module] = [LayerNorm2d(channels, eps=eps) for _, _, channels in taps]
        if self.out_norm in ("new", "frozen"):
            for norm in norms:
                norm.requires_grad_(self.out_norm == "new")
            return norms, {}
        if final is None or taps[-1][0] != len(network.features(net, self.spec.name)) - 1:
            raise UserError(
                f"{self.spec.name!r} has no final LayerNorm at stride {taps[-1][1]} to load",
                where=f"out_norm: {self.out_norm}",
                expected="out_norm: new, frozen or none",
            )
        name, module = final
        norms[-1].load_state_dict(module.state_dict())
        filled = norms[-1].state_dict().items()
        return norms, {f"{name}.{key}": tensor for key, tensor in filled}


@dataclass(frozen=True)
class _Shaped:
    """A complete network prepared for the input sizes.

    Attributes: the network; index, stride and channels of each level; what inputs are padded to
    a multiple of; the only input size, if there is but one; whether it is a BEiT; notes.
    """

    net: nn.Module
    taps: list[network.Tap]
    multiple: int
    input_size: tuple[int, int] | None
    beit: bool = False
    notes: tuple[str, ...] = ()
