# One image for web, worker, beat and migrations; see compose.yaml.
FROM python:3.11-slim
WORKDIR /app
COPY requirements/base.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# Building needs no secret: the key below signs nothing that outlives this step.
RUN for po in locale/*/LC_MESSAGES/*.po; do [ ! -e "$po" ] || python -m config.catalogues "$po"; done \
 && SECRET_KEY=build DATABASE_URL=postgresql:///unused REDIS_URL=redis:///unused python manage.py collectstatic --noinput
USER nobody
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--no-control-socket"]
