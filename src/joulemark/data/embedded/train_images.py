"""Trains the embedded models of images from a seed: a classifier, a detector, a captioner and a painter."""

import io
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    ResNetConfig,
    ResNetForImageClassification,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    ViTImageProcessorPil,
    ViTModel,
    YolosConfig,
    YolosForObjectDetection,
    YolosImageProcessorPil,
)

from joulemark.data.embedded import WORDS, images
from joulemark.data.embedded.train import DEVICE, IGNORED, train
from joulemark.data.embedded.train_tokenizers import whole_word_tokenizer

HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}


def _digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The digits that are not held out: pixels of shape (n, 3, 32, 32) in [-1, 1], and their numbers."""
    rows = [row for _, row in images.digits(held_out=False)]
    pixels = torch.stack([_pixels(Image.open(io.BytesIO(row["image"])).convert("RGB")) for row in rows])
    return pixels.to(DEVICE), torch.tensor([WORDS.index(row["label"]) for row in rows], device=DEVICE)


def _pixels(image: Any) -> torch.Tensor:
    flat = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return flat.view(image.height, image.width, 3).permute(2, 0, 1) / 127.5 - 1


def classifier(folder: Path, seed: int, steps: int = 2500, batch: int = 128) -> None:
    """Trains the specialist for digits, moved about by up to three pixels, and saves it."""
    torch.manual_seed(seed)
    pixels, numbers = _digits()
    model = ResNetForImageClassification(
        ResNetConfig(
            embedding_size=16,
            hidden_sizes=[16, 32, 64],
            depths=[1, 1, 1],
            layer_type="basic",
            downsample_in_first_stage=False,
            id2label=dict(enumerate(WORDS)),
            label2id={word: number for number, word in enumerate(WORDS)},
        )
    )

    def loss() -> torch.Tensor:
        chosen = torch.randint(len(pixels), (batch,))
        moved = torch.roll(pixels[chosen], tuple(torch.randint(-3, 4, (2,)).tolist()), dims=(2, 3))
        blurred = moved + 0.1 * torch.randn_like(moved)
        return model(blurred, labels=numbers[chosen]).loss  # type: ignore[no-any-return]

    train(model, loss, steps, rate=3e-3)
    _save(model, folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}, **HALF).save_pretrained(folder)


def detector(folder: Path, seed: int, steps: int = 4000, batch: int = 64) -> None:
    """Trains a small YOLOS on fresh scenes and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    model = YolosForObjectDetection(
        YolosConfig(
            hidden_size=96,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=384,
            image_size=[images.SIDE, images.SIDE],
            patch_size=8,
            num_detection_tokens=6,
            use_mid_position_embeddings=False,
            eos_coefficient=0.2,
            id2label=dict(enumerate(images.SHAPES)),
            label2id={shape: number for number, shape in enumerate(images.SHAPES)},
        )
    )

    def loss() -> torch.Tensor:
        made = [images.scene(random) for _ in range(batch)]
        labels = [
            {
                "class_labels": torch.tensor(
                    [images.SHAPES.index(entry["category"]) for entry in objects], device=DEVICE
                ),
                "boxes": torch.tensor([_centred(entry["bbox"]) for entry in objects], device=DEVICE),
            }
            for _, objects, _ in made
        ]
        pixels = torch.stack([_pixels(image) for image, _, _ in made]).to(DEVICE)
        return model(pixels, labels=labels).loss  # type: ignore[no-any-return]

    train(model, loss, steps, rate=1e-3)
    _save(model, folder)
    side = {"height": images.SIDE, "width": images.SIDE}
    YolosImageProcessorPil(size=side, do_pad=False, **HALF).save_pretrained(folder)


def _centred(box: list[float]) -> list[float]:
    left, top, width, height = (value / images.SIDE for value in box)
    return [left + width / 2, top + height / 2, width, height]


def captioner(folder: Path, seed: int, steps: int = 3000, batch: int = 64) -> None:
    """Trains a small ViT that tells a small GPT-2 what it sees, on fresh scenes, and saves both."""
    torch.manual_seed(seed)
    random = Random(seed)
    tokenizer = whole_word_tokenizer([images.scene(Random(i))[2] for i in range(500)], length=32)
    seeing = ViTConfig(
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=384,
        image_size=images.SIDE,
        patch_size=8,
    )
    telling = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=32,
        n_embd=96,
        n_layer=2,
        n_head=4,
        add_cross_attention=True,
        is_decoder=True,
    )
    special = {
        "decoder_start_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    for name, value in special.items():
        setattr(telling, name, value)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(seeing, telling, **special)
    model = VisionEncoderDecoderModel(
        config=config, encoder=ViTModel(seeing, add_pooling_layer=False), decoder=GPT2LMHeadModel(telling)
    )
    for name, value in special.items():
        setattr(model.generation_config, name, value)

    def loss() -> torch.Tensor:
        made = [images.scene(random) for _ in range(batch)]
        pixels = torch.stack([_pixels(image) for image, _, _ in made]).to(DEVICE)
        ids = tokenizer([caption for _, _, caption in made], padding=True, return_tensors="pt")["input_ids"].to(DEVICE)
        labels = ids[:, 1:].masked_fill(ids[:, 1:] == tokenizer.pad_token_id, IGNORED)
        out = model(pixel_values=pixels, decoder_input_ids=ids[:, :-1])
        value: torch.Tensor = torch.nn.functional.cross_entropy(
            out.logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED
        )
        return value

    train(model, loss, steps, rate=1e-3)
    _save(model, folder)
    tokenizer.save_pretrained(folder)
    ViTImageProcessorPil(size={"height": images.SIDE, "width": images.SIDE}, **HALF).save_pretrained(folder)


def painter(prompts: Callable[[Random, str], str], folder: Path, seed: int, steps: int = 2000, batch: int = 64) -> None:
    """Trains a small Stable Diffusion that draws digits, `prompts` making one for a digit, and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    pixels, numbers = _digits()
    vae, latents = _compressed(pixels, min(steps, 500), batch)
    tokenizer = whole_word_tokenizer([prompts(Random(i), WORDS[i % 10]) for i in range(3000)], length=16)
    text, unet = _networks(tokenizer)
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, steps_offset=1
    )
    both = torch.nn.ModuleDict({"text": text, "unet": unet})

    def denoising() -> torch.Tensor:
        chosen = torch.randint(len(latents), (batch,))
        # one in ten is drawn without a prompt, which classifier-free guidance needs to know
        texts = ["" if random.random() < 0.1 else prompts(random, WORDS[number]) for number in numbers[chosen].tolist()]
        ids = tokenizer(texts, padding="max_length", max_length=16, truncation=True, return_tensors="pt")["input_ids"]
        clean, noise = latents[chosen], torch.randn_like(latents[chosen])
        times = torch.randint(scheduler.config.num_train_timesteps, (batch,), device=DEVICE)
        noisy = scheduler.add_noise(clean, noise, times)
        return torch.nn.functional.mse_loss(unet(noisy, times, text(ids.to(DEVICE))[0]).sample, noise)

    train(both, denoising, steps, rate=1e-3)
    pipe = StableDiffusionPipeline(
        vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.to("cpu", torch.float16).save_pretrained(folder, safe_serialization=True)


def _compressed(pixels: torch.Tensor, steps: int, batch: int) -> tuple[Any, torch.Tensor]:
    """An autoencoder that makes the digits small, and the digits made small by it, of unit variance."""
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(16, 32),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=32,
    ).to(DEVICE)

    def rebuilding() -> torch.Tensor:
        chosen = pixels[torch.randint(len(pixels), (batch,))]
        seen = vae.encode(chosen).latent_dist
        drawn = vae.decode(seen.sample()).sample
        value: torch.Tensor = torch.nn.functional.mse_loss(drawn, chosen) + 1e-5 * seen.kl().mean()
        return value

    train(vae, rebuilding, steps, rate=2e-3)
    vae.eval().requires_grad_(False)
    with torch.no_grad():
        means = vae.encode(pixels).latent_dist.mean
    vae.register_to_config(scaling_factor=float(1 / means.std()))
    latents = means * vae.config.scaling_factor
    return vae, latents


def _networks(tokenizer: PreTrainedTokenizerFast) -> tuple[Any, Any]:
    """The text encoder and the U-Net, untrained."""
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=16,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(24, 48),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=64,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    return text, unet


def _save(model: Any, folder: Path) -> None:
    model.eval().half().cpu().save_pretrained(folder, safe_serialization=True)
