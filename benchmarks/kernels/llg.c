/* The equation of Landau, Lifshitz and Gilbert on a lattice by the rule of Heun, as one would write it by hand:
   the yardstick of benchmarks/llg.py. Spins of length 1, J = 1 in every place of a neighbour list, hbar = 1.

   llg <spins> <neighbours> <damping> <dt> <steps> < list-and-directions > directions
   The list: spins x neighbours 32-bit integers, then as many doubles J; the directions: spins x 3 doubles.
   On stderr: processor seconds of the steps. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void slope(int spins, int neighbours, const int32_t *site, const double *exchange, const double *n, double damping,
                  double *out)
{
    const double size = 1 / (1 + damping * damping);
    for (int i = 0; i < spins; i++) {
        double wx = 0, wy = 0, wz = 0;
        for (int k = 0; k < neighbours; k++) {
            const double J = exchange[(size_t)i * neighbours + k];
            const double *m = n + 3 * (size_t)site[(size_t)i * neighbours + k];
            wx += J * m[0], wy += J * m[1], wz += J * m[2];
        }
        const double x = n[3 * i], y = n[3 * i + 1], z = n[3 * i + 2];
        const double tx = y * wz - z * wy, ty = z * wx - x * wz, tz = x * wy - y * wx; /* n x omega */
        out[3 * i] = size * (tx - damping * (y * tz - z * ty));
        out[3 * i + 1] = size * (ty - damping * (z * tx - x * tz));
        out[3 * i + 2] = size * (tz - damping * (x * ty - y * tx));
    }
}

static void normalise(double *v)
{
    const double size = 1 / sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    v[0] *= size, v[1] *= size, v[2] *= size;
}

int main(int count, char **word)
{
    if (count != 6) return 1;
    const int spins = atoi(word[1]), neighbours = atoi(word[2]), steps = atoi(word[5]);
    const double damping = atof(word[3]), dt = atof(word[4]);
    const size_t places = (size_t)spins * neighbours, numbers = 3 * (size_t)spins;
    int32_t *site = malloc(places * sizeof *site);
    double *exchange = malloc(places * sizeof *exchange);
    double *n = malloc(numbers * sizeof *n), *predicted = malloc(numbers * sizeof *n);
    double *first = malloc(numbers * sizeof *n), *second = malloc(numbers * sizeof *n);
    if (fread(site, sizeof *site, places, stdin) != places) return 1;
    if (fread(exchange, sizeof *exchange, places, stdin) != places) return 1;
    if (fread(n, sizeof *n, numbers, stdin) != numbers) return 1;
    const clock_t start = clock();
    for (int step = 0; step < steps; step++) {
        slope(spins, neighbours, site, exchange, n, damping, first);
        for (int i = 0; i < spins; i++) {
            for (int a = 3 * i; a < 3 * i + 3; a++) predicted[a] = n[a] + dt * first[a];
            normalise(predicted + 3 * i);
        }
        slope(spins, neighbours, site, exchange, predicted, damping, second);
        for (int i = 0; i < spins; i++) {
            for (int a = 3 * i; a < 3 * i + 3; a++) n[a] += 0.5 * dt * (first[a] + second[a]);
            normalise(n + 3 * i);
        }
    }
    fprintf(stderr, "%.9f\n", (double)(clock() - start) / CLOCKS_PER_SEC);
    fwrite(n, sizeof *n, numbers, stdout);
    return 0;
}
