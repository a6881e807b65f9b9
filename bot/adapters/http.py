"""an address that HTTP calls come to: opened, or one sentence about what is in the way."""

from aiohttp import web

from bot.errors import ConfigError


async def listen(
    app: web.Application, section: str, host: str, port: int, *, cancel_handlers: bool = False
) -> web.AppRunner:
    """Serve `app` at host:port until the runner is cleaned up.

    Args:
        app: what answers.
        section: of the config that names host and port, for the error.
        host: a name or an address of this machine.
        port: 0 takes any that is free.
        cancel_handlers: whether a call ends when its caller goes away.

    Raises:
        ConfigError: the address is taken, or is none of this machine's.
    """
    runner = web.AppRunner(app, access_log=None, handler_cancellation=cancel_handlers, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        sentence = f"[{section}] cannot listen on {host}:{port} ({error.strerror}): change host or port."
        raise ConfigError(sentence) from error
    return runner
