"""The embedded swapper: the donor's photo as a texture, drawn on the target's mesh.

``parts`` names the pieces of the mesh, ``shape`` carries the donor's face shape over, ``texture``
keeps the atlas at the scale of the target, ``light`` follows the target's light, folds and
occluders, ``detail`` its sharpness and grain, and ``renderer`` draws one face with all of them.
"""
