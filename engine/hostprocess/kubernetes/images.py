"""The tag of a container image, which decides its pull policy.

Source: pkg/util/parsers (ParseImageName) and github.com/distribution/reference, the same in all releases.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["pull_policy"]

_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_STEP = r"[a-z0-9]+(?:(?:[_.]|__|[-]+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"({_DOMAIN}/{_STEP}(?:/{_STEP})*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?"
    r"(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_LONGEST = 255


@lru_cache(maxsize=4096)
def pull_policy(image: str) -> str:
    """`Always` for the tag `latest`, given or meant, else `IfNotPresent`; also for what is no image name, which validation refuses."""
    return "Always" if _tag(image) == "latest" else "IfNotPresent"


def _tag(image: str) -> str:
    """The tag, `latest` where neither tag nor digest is given, nothing for a digest alone and for what is no image name."""
    if _IDENTIFIER.fullmatch(image):
        return ""
    first, slash, rest = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        first, rest = "docker.io", image
    if first == "index.docker.io":
        first = "docker.io"
    if first == "docker.io" and "/" not in rest:
        rest = "library/" + rest
    path = rest.partition(":")[0]
    match = _REFERENCE.fullmatch(f"{first}/{rest}")
    if path.lower() != path or match is None or len(match[1]) > _LONGEST:
        return ""
    tag, digest = match[2] or "", match[3] or ""
    if digest:
        algorithm, _, number = digest.partition(":")
        return tag if _LENGTHS.get(algorithm) == len(number) and number.lower() == number else ""
    return tag or "latest"
