"""The generator against a real engine: `transformers serve` with a tiny model that knows nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from generated import HISTORY, generated

from qa_service.answering.generate import Generator, GeneratorSettings
from qa_service.retrieval.index import Index
from qa_service.types import Hit


@pytest.fixture(scope="module")
def transformers_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Its base URL and the model's name: a Llama of one layer with random weights."""
    command = shutil.which("transformers", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("The command `transformers` is not installed.")
    for module in ("torch", "fastapi", "uvicorn", "accelerate"):
        pytest.importorskip(module, reason="`transformers serve` needs it.")
    folder = tmp_path_factory.mktemp("engine")
    made = subprocess.run(
        [sys.executable, "-c", _MAKE_TINY_MODEL, str(folder / "tiny")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (folder / "home" / "hub").mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "home")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [command, "serve", str(folder / "tiny"), "--host", "127.0.0.1", "--port", str(port),
             "--device", "cpu"],
            stdout=log, stderr=log, env=environment,
        )  # fmt: skip
    try:
        if not _answers(f"http://127.0.0.1:{port}/health", process, seconds=60):
            tail = (folder / "log").read_text(encoding="utf-8", errors="replace")[-400:]
            pytest.skip(f"`transformers serve` does not start here: {tail}")
        yield f"http://127.0.0.1:{port}/v1", str(folder / "tiny")
    finally:
        process.terminate()
        process.wait(15)


_MAKE_TINY_MODEL = """
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
pieces = ["<unk>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
bytewise = Tokenizer(models.BPE(vocab={p: n for n, p in enumerate(pieces)}, merges=[]))
bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytewise.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=bytewise, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
tokenizer.chat_template = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\\n{% endfor %}assistant: ")
tokenizer.save_pretrained(sys.argv[1])
LlamaForCausalLM(LlamaConfig(
    vocab_size=len(pieces), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
    num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=32768,
    bos_token_id=1, eos_token_id=2)).save_pretrained(sys.argv[1])
"""


def _answers(url: str, process: subprocess.Popen[bytes], *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    return False


def test_a_real_engine_with_a_model_that_knows_nothing(
    transformers_server: tuple[str, str], chapter_index: Index, hits: tuple[Hit, ...]
) -> None:
    url, model = transformers_server
    settings = GeneratorSettings(url, model, timeout_seconds=30, max_tokens=60, temperature=1.0)

    async def talk() -> tuple[bool, str | None]:
        async with Generator(settings) as generator:
            reachable = await generator.reachable()
            return reachable, await generator.rewrite("それはいつですか", HISTORY)

    assert asyncio.run(talk()) == (True, None)
    outcome = asyncio.run(generated(settings, chapter_index, hits))
    assert outcome.statements == []
    assert outcome.code in (None, "model_empty")
