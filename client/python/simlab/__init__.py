# SPDX-License-Identifier: Apache-2.0
"""simlab: models in Python for simlabd."""
