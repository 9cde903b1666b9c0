"""Products by multiply-and-sum against `@`, on both sides of the size where BLAS takes over."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brackish.quantum import apply, dagger, expect, product, trace_product
from brackish.quantum.small import DENSE_FROM

SIZES = (1, 2, 3, DENSE_FROM - 1, DENSE_FROM, DENSE_FROM + 2)
compiled = {
    function.__name__: jax.jit(function) for function in (apply, product, dagger, expect, trace_product)
}


def matrix(random, rows, columns, complex_entries):
    entries = random.normal(size=(rows, columns))
    return entries + 1j * random.normal(size=(rows, columns)) if complex_entries else entries


def hermitian(random, size, complex_entries):
    entries = matrix(random, size, size, complex_entries)
    return 0.5 * (entries + entries.conj().T)


@given(
    st.sampled_from(SIZES), st.sampled_from(SIZES), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1)
)
def test_apply_and_product_are_matrix_products(rows, inner, first_complex, second_complex, seed):
    random = np.random.default_rng(seed)
    left = matrix(random, rows, inner, first_complex)
    psi = matrix(random, inner, 1, second_complex)[:, 0]
    right = matrix(random, inner, rows, second_complex)
    np.testing.assert_allclose(compiled["apply"](left, psi), left @ psi, rtol=0, atol=1e-13)
    np.testing.assert_allclose(compiled["product"](left, right), left @ right, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(compiled["dagger"](left), left.conj().T)


@given(st.sampled_from(SIZES), st.booleans(), st.integers(0, 2**32 - 1))
def test_expectations_are_real_and_right(size, complex_entries, seed):
    random = np.random.default_rng(seed)
    operator = hermitian(random, size, complex_entries)
    psi = matrix(random, size, 1, True)[:, 0]
    density = hermitian(random, size, True)
    value = compiled["expect"](operator, psi)
    assert not jnp.iscomplexobj(value)
    np.testing.assert_allclose(value, np.vdot(psi, operator @ psi).real, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        compiled["trace_product"](operator, density), np.trace(operator @ density).real, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("complex_entries", [False, True])
def test_the_gradient_of_an_expectation_gives_twice_the_action(complex_entries):
    """JAX's gradient of <psi|A|psi> is 2 conj(A psi): every quantum velocity stands on it."""
    random = np.random.default_rng(5)
    operator, psi = hermitian(random, 4, complex_entries), matrix(random, 4, 1, True)[:, 0]
    gradient = jax.grad(expect, argnums=1)(jnp.asarray(operator), jnp.asarray(psi))
    np.testing.assert_allclose(gradient, 2 * (operator @ psi).conj(), rtol=0, atol=1e-13)
