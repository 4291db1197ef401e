"""The embedded swapper: the donor's photo as a texture, drawn on the target's mesh.

``parts`` names the pieces of the mesh, ``shape`` carries the donor's face shape over, ``texture``
keeps the atlas at the scale of the target, ``light`` follows the target's light and folds,
``occlusion`` finds what stands in front, ``reading`` says when both are measured, ``detail``
matches sharpness and grain, ``settle`` mends what the swap sees of its own first result, and
``renderer`` draws one face with all of them.
"""
