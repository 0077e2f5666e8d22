"""Serves a model on 127.0.0.1 until standard input ends, one request at a time: `python serve.py llama.cpp|mlx-lm MODEL PORT`."""

import os
import sys
import threading

CONTEXT = 32_768


def end_with_input():
    """Whoever started it holds the other end of standard input: when that is gone, however it went, so is the server."""
    sys.stdin.buffer.read()
    # A request that is being answered would hold an orderly end up.
    os._exit(0)


def llama_cpp(model, port):
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = model
    settings.model_alias = {"tiny"}
    settings.hostnames = ["127.0.0.1"]
    settings.port = int(port)
    settings.n_ctx = CONTEXT
    settings.n_parallel = 1
    settings.n_gpu_layers = 0
    settings.cpuparams.n_threads = 1
    settings.endpoint_metrics = True
    settings.warmup = False
    return xllamacpp.Server(settings)


def mlx_lm(model, port):
    from mlx_lm import server

    flags = ["--model", model, "--host", "127.0.0.1", "--port", port]
    sys.argv = ["server", *flags, "--decode-concurrency", "1", "--prompt-concurrency", "1"]
    server.main()


if __name__ == "__main__":
    name, model, port = sys.argv[1:]
    watch = threading.Thread(target=end_with_input)
    watch.start()
    server = {"llama.cpp": llama_cpp, "mlx-lm": mlx_lm}[name](model, port)
    watch.join()
