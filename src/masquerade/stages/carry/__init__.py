"""Key frames: a slow network draws a face now and then, the mesh carries it on in between.

``key_frame`` is what the network has finished, ``texture`` what is drawn from it, ``painting``
draws it on the mesh of another picture, ``follow`` and ``openings`` make it follow the target's
light, folds, mouth and eyes, and ``carrier`` does all this for one face from frame to frame and
fades one key frame over into the next. ``refresh`` says when a face needs a new one, and ``worker``
has it made in a thread of its own.
"""
