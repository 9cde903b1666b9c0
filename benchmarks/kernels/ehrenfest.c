/* The yardstick: mean-field (Ehrenfest) trajectories on Tully model I, written by hand for one core.
 *
 * Build: gcc -O3 -march=native -ffast-math ehrenfest.c -o ehrenfest -lm
 * Run:   ./ehrenfest 16384          (number of trajectories; 1000 steps of 1 a.u. each)
 *
 * One step: half drift, half kick, exact 2x2 unitary, half kick, half drift. Prints trajectory-steps
 * per CPU second and a checksum (mean final position), so that another code can be held against it
 * on the same initial points.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHUNK = 512, STEPS = 1000 };
static const double A = 0.01, B = 1.6, C = 0.005, D = 1.0, MASS = 2000.0, DT = 1.0;

static double *column(int n) { return malloc(sizeof(double) * n); }

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 16384;
    double *q = column(n), *p = column(n), *r0 = column(n), *i0 = column(n), *r1 = column(n), *i1 = column(n);
    for (int k = 0; k < n; k++) {
        q[k] = -8 + 0.3 * sin(k); p[k] = 20 + 0.5 * cos(k);
        r0[k] = 1; i0[k] = r1[k] = i1[k] = 0;
    }
    clock_t start = clock();
    for (int first = 0; first < n; first += CHUNK) {
        int last = first + CHUNK < n ? first + CHUNK : n;
        for (int step = 0; step < STEPS; step++) {
#pragma GCC ivdep
            for (int k = first; k < last; k++) {
                double x = q[k] + 0.5 * DT * p[k] / MASS;
                double e = exp(-B * fabs(x)), w = C * exp(-D * x * x);
                double v = x >= 0 ? A * (1 - e) : -A * (1 - e), dv = A * B * e, dw = -2 * D * x * w;
                double a = r0[k], b = i0[k], c = r1[k], d = i1[k];
                double kick = p[k] - 0.5 * DT * (dv * (a*a + b*b - c*c - d*d) + 2 * dw * (a*c + b*d));
                double gap = sqrt(v*v + w*w), co = cos(gap * DT), si = sin(gap * DT) / gap;
                double ha = v*a + w*c, hb = v*b + w*d, hc = w*a - v*c, hd = w*b - v*d;
                a = co*a + si*hb; double a2 = a; b = co*b - si*ha; double b2 = b;
                double c2 = co*c + si*hd, d2 = co*d - si*hc;
                kick -= 0.5 * DT * (dv * (a2*a2 + b2*b2 - c2*c2 - d2*d2) + 2 * dw * (a2*c2 + b2*d2));
                r0[k] = a2; i0[k] = b2; r1[k] = c2; i1[k] = d2;
                p[k] = kick; q[k] = x + 0.5 * DT * kick / MASS;
            }
        }
    }
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC, sum = 0, norm = 0;
    for (int k = 0; k < n; k++) { sum += q[k]; norm += r0[k]*r0[k] + i0[k]*i0[k] + r1[k]*r1[k] + i1[k]*i1[k]; }
    printf("trajectories %d steps %d cpu_s %.3f trajectory_steps_per_s %.3e mean_q %.9f norm %.12f\n",
           n, STEPS, seconds, (double)n * STEPS / seconds, sum / n, norm / n);
    return 0;
}
