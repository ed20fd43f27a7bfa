"""Locust against order-api.

    locust -f loadtests/locustfile.py --headless --users 20 --spawn-rate 10 --run-time 15s --host http://127.0.0.1:8080
"""

from locust import HttpUser, between, task


class Customer(HttpUser):
    """Orders, waits for the answer, thinks, and sometimes looks an order up."""

    wait_time = between(0.1, 0.5)
    last = None

    @task(9)
    def order(self):
        order = {
            "customer_id": "c1",
            "items": [{"product_id": "PIZZA-1", "quantity": 2, "price": 9.50}],
        }
        with self.client.post("/orders", json=order, catch_response=True) as answer:
            if answer.status_code == 200:
                self.last = answer.headers.get("Location")
                answer.success()
            else:
                answer.failure(f"status {answer.status_code}")

    @task(1)
    def look(self):
        if self.last:
            self.client.get(self.last, name="/orders/{id}")
