"""What ``masquerade doctor`` looks at: hardware, software, networks."""
