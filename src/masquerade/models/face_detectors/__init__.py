"""Brought face detectors, which see five true points of every face.

``models/network_detector.py`` searches with them as the shipped detector does.
"""

from __future__ import annotations

from masquerade.models.face_detectors.face_detector import FaceDetector

__all__ = ["FaceDetector"]
