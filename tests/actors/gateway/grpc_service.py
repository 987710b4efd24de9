"""A gRPC service of the ordinary kind, for foreign_backends_test.cpp: grpc_service.py FOLDER [KEY CERTIFICATE].

Writes its port into FOLDER/port. Messages are bytes here: nothing needs generated code. Its types, as the test has them:
message Order { int64 id = 1; string name = 2; }  message Made { string number = 1; }
"""
import os
import sys
import threading
from concurrent import futures

import grpc

cancelled = threading.Semaphore(0)


def made(text):
    return b"\x0a" + bytes([len(text)]) + text.encode()


def echo(order, context):
    return order


def large(order, context):
    return b"\x12\x80\x80\x40" + b"x" * (1 << 20)


def time_left(order, context):
    return made(str(int(context.time_remaining() * 1000)))


def caller(order, context):
    return made(dict(context.invocation_metadata()).get("operation-type", "nobody"))


def missing(order, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no order 5 %41 \u00fc\nhere")


def late_fault(order, context):
    context.send_initial_metadata((("x-early", "1"),))
    context.abort(grpc.StatusCode.UNAVAILABLE, "not now")


def crash(order, context):
    raise ValueError("a bug")


def slow(order, context):
    over = threading.Event()
    context.add_callback(over.set)
    over.wait(20)
    cancelled.release()
    return made("late")


def wait_for_cancelled(order, context):
    return made("cancelled" if cancelled.acquire(timeout=20) else "nobody")


def health(request, context):
    return b"\x08\x01"  # SERVING


METHODS = {"/shop.Orders/Echo": echo, "/shop.Orders/Large": large, "/shop.Orders/TimeLeft": time_left,
           "/shop.Orders/Caller": caller, "/shop.Orders/Missing": missing, "/shop.Orders/LateFault": late_fault,
           "/shop.Orders/Crash": crash, "/shop.Orders/Slow": slow,
           "/shop.Orders/WaitForCancelled": wait_for_cancelled, "/grpc.health.v1.Health/Check": health}


class Service(grpc.GenericRpcHandler):
    def service(self, call):
        found = METHODS.get(call.method)
        return found and grpc.unary_unary_rpc_method_handler(found)


def main(folder, *files):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((Service(),))
    if files:
        pair = tuple(open(x, "rb").read() for x in files)
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials((pair,)))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with open(folder + "/port.new", "w") as file:
        print(port, file=file)
    os.rename(folder + "/port.new", folder + "/port")
    server.wait_for_termination()


main(*sys.argv[1:])
