/* Langevin trajectories by BAOAB with force and friction from a table: what a compiler makes of the plain loop.

   langevin TABLE TRAJECTORIES STEPS STEP TEMPERATURE MASS LOWER UPPER
   TABLE: doubles, 4 rows of coefficients of the force and 4 of the friction, highest power first, one column an interval.
   Prints speed and spreads. Deviates by Box and Muller, one pair for two steps, from the counter "squares" of Widynski. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BLOCK 256

static inline uint64_t swapped(uint64_t x) { return (x >> 32) | (x << 32); }

static inline uint64_t squares(uint64_t counter, uint64_t key)
{
    uint64_t x = counter * key, y = x, z = y + key, last;
    x = swapped(x * x + y);
    x = swapped(x * x + z);
    x = swapped(x * x + y);
    last = x * x + z;
    x = swapped(last);
    return last ^ ((x * x + y) >> 32);
}

int main(int count, char **words)
{
    if (count != 9) return 1;
    long trajectories = atol(words[2]), steps = atol(words[3]);
    double dt = atof(words[4]), temperature = atof(words[5]), mass = atof(words[6]);
    double lower = atof(words[7]), upper = atof(words[8]);
    FILE *file = fopen(words[1], "rb");
    fseek(file, 0, SEEK_END);
    int intervals = (int)(ftell(file) / (8 * sizeof(double)));
    rewind(file);
    double *table = malloc(8 * sizeof(double) * intervals);
    if (fread(table, sizeof(double), 8 * (size_t)intervals, file) != 8 * (size_t)intervals) return 1;
    fclose(file);
    /* rows that are read together lie together */
    double *force = malloc(4 * sizeof(double) * intervals), *friction = malloc(4 * sizeof(double) * intervals);
    for (int i = 0; i < intervals; i++)
        for (int k = 0; k < 4; k++) {
            force[4 * i + k] = table[k * intervals + i];
            friction[4 * i + k] = table[(4 + k) * intervals + i];
        }
    const double scale = intervals / (upper - lower), half = 0.5 * dt / mass, size = sqrt(temperature * mass);
    double sums[4] = {0, 0, 0, 0};
    clock_t begin = clock();
    for (long first = 0; first < trajectories; first += BLOCK) {
        double q[BLOCK], p[BLOCK], xi[2][BLOCK];
        for (int i = 0; i < BLOCK; i++) { q[i] = 0.0; p[i] = 0.0; }
        for (long step = 0; step < steps; step++) {
            if (step % 2 == 0)
                for (int i = 0; i < BLOCK; i++) {
                    uint64_t bits = squares(step, (uint64_t)(first + i) * 0x9E3779B97F4A7C15u | 1u);
                    double radius = sqrt(-2 * log(((double)(uint32_t)(bits >> 32) + 0.5) * 0x1p-32));
                    double angle = (double)(uint32_t)bits * (6.283185307179586 * 0x1p-32);
                    xi[0][i] = radius * cos(angle);
                    xi[1][i] = radius * sin(angle);
                }
            const double *noise = xi[step % 2];
            for (int i = 0; i < BLOCK; i++) {
                double x = q[i] + half * p[i], along = (fmin(fmax(x, lower), upper) - lower) * scale;
                int at = (int)along < intervals - 1 ? (int)along : intervals - 1;
                double r = along - at, *c = friction + 4 * at;
                double left = exp(-(((c[0] * r + c[1]) * r + c[2]) * r + c[3]) * dt / mass);
                double v = left * p[i] + size * sqrt(1 - left * left) * noise[i];
                x += half * v;
                along = (fmin(fmax(x, lower), upper) - lower) * scale;
                at = (int)along < intervals - 1 ? (int)along : intervals - 1;
                r = along - at;
                c = force + 4 * at;
                q[i] = x;
                p[i] = v + dt * (((c[0] * r + c[1]) * r + c[2]) * r + c[3]);
            }
        }
        for (int i = 0; i < BLOCK; i++) {
            sums[0] += q[i];
            sums[1] += q[i] * q[i];
            sums[2] += p[i];
            sums[3] += p[i] * p[i];
        }
    }
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC, n = ((trajectories + BLOCK - 1) / BLOCK) * (double)BLOCK;
    printf("trajectory_steps_per_s %.6g position_spread %.6g momentum_spread %.6g\n", n * steps / seconds,
           sqrt(sums[1] / n - sums[0] * sums[0] / n / n), sqrt(sums[3] / n - sums[2] * sums[2] / n / n));
    return 0;
}
